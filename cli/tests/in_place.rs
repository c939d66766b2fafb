//! Outputs that cannot be replaced and are written in place. Both tests need root, and pass where they cannot be made.

#![cfg(target_os = "linux")]

mod harness;

use std::fs;
use std::process::Command;

use harness::{Folder, succeeds, text};

/// As `docker run -v FILE:FILE` has it.
#[test]
fn a_file_that_is_a_mount_point_is_written_in_place() {
    let may_mount = Command::new("unshare").args(["-m", "true"]).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        return;
    }
    for (line, name) in
        [("dictionary @v.txt -o @a \u{e9}.jsonl", "d.jsonl"), ("build @v.txt -o @a \u{e9}.ann", "d.ann")]
    {
        let inside = line.rsplit('@').next().unwrap();
        let folder = Folder::new().with("host", "an old text").with(inside, "");
        let plain = line.replace(inside, name);
        succeeds(&folder.run(&plain));
        // A name with a space, which the list of mounts has in another form.
        let script = "mount --bind \"$0\" \"$1\" && exec \"$2\" $3 -o \"$1\"";
        let (command, vectors) = (line.split(' ').next().unwrap(), folder.path("v.txt"));
        let command = format!("{command} {}", vectors.display());
        let output = Command::new("unshare")
            .args(["-m", "sh", "-c", script])
            .args([folder.path("host"), folder.path(inside), env!("CARGO_BIN_EXE_ohyeah").into(), command.into()])
            .output()
            .unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert!(told.contains("is a mount point and cannot be replaced, so its old content is written over"), "{told}");
        assert!(fs::read(folder.path("host")).unwrap() == fs::read(folder.path(name)).unwrap());
        let mut names = [inside, name, "host", "v.txt"];
        names.sort_unstable();
        assert_eq!(folder.names(), names);
    }
}

/// Another user's rights are needed, and only root may take them.
#[test]
fn a_writable_file_in_a_closed_folder_is_written_in_place() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    fs::create_dir(folder.path("closed")).unwrap();
    let out = folder.path("closed/out.txt");
    fs::write(&out, "an old and longer text than the new one, by far: it has to be cut").unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(folder.path("."), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder.path("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_ohyeah"), "convert"]);
    let Ok(output) = command.args([folder.path("v.txt"), out.clone()]).output() else { return };
    // Not root, or a folder of the build that others may not look into.
    if text(&output.stderr).contains("setpriv") {
        return;
    }
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("out.txt: lies in a folder that may not be written to, so its old content"));
    assert_eq!(fs::read_to_string(&out).unwrap(), "4 2\ncat 1.0 0.1\ndog 0.9 0.2\ncar 0.1 1.0\nbus 0.0 1.0\n");
}
