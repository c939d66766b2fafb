//! Files in a folder that may not be written to. This needs root, to become a user who is not, and passes where that cannot be.

#![cfg(target_os = "linux")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use ohyeah::{AtomicFile, BuildFile};

const FOLDER: &str = "OHYEAH_TEST_FOLDER";

/// The test below runs this as another user.
#[test]
fn as_another_user() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let target = folder.join("closed/a");
    println!("build: {}", BuildFile::create(&target).unwrap_err());
    match AtomicFile::create(&target) {
        Ok(_file) => {
            let collected = fs::read_dir(folder.join("temporary")).unwrap().next().unwrap().unwrap();
            println!("mode: {:o}", collected.metadata().unwrap().permissions().mode() & 0o777);
        }
        Err(error) => println!("save: {error}"),
    }
}

#[test]
fn only_what_is_saved_is_collected_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, mode) in [("closed", 0o555), ("temporary", 0o777)] {
        fs::create_dir(at(name)).unwrap();
        fs::write(at("closed/a"), "old").unwrap();
        fs::set_permissions(at(name), Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(at("closed/a"), Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let run = |temporary: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(std::env::current_exe().unwrap());
        command.args(["--exact", "as_another_user", "--nocapture"]).env(FOLDER, folder.path());
        let output = command.env("TMPDIR", at(temporary)).output().ok()?;
        // Not root, or a folder of the build that others may not look into.
        (!output.stderr.starts_with(b"setpriv")).then(|| String::from_utf8(output.stdout).unwrap())
    };
    let (Some(told), Some(nowhere)) = (run("temporary"), run("none")) else { return };
    let path = at("closed/a").display().to_string();
    let refused = format!("build: {path}: lies in a folder that may not be written to, and is built in that folder");
    assert!(told.contains(&refused) && told.contains("mode: 600"), "{told}");
    let named = format!("the folder for temporary files (TMPDIR), `{}`, cannot be written to", at("none").display());
    assert!(nowhere.contains(&refused) && nowhere.contains(&format!("save: {path}: {named}")), "{nowhere}");
}
