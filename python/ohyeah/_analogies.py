"""The analogy test of word2vec: files such as ``questions-words.txt``."""


def evaluate(vectors, path, words, case_insensitive, dummy4unknown, similarity_function):
    """The share of the analogies of a file that are solved with these words, and what was right and wrong in each section."""
    fold = str.upper if case_insensitive else str
    rows = {}
    for row, word in enumerate(words):
        rows.setdefault(fold(word), row)
    ask = getattr(vectors, similarity_function)
    sections = []
    with open(path, encoding="utf8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith(": "):
                sections.append({"section": line[2:].strip(), "correct": [], "incorrect": []})
                continue
            question = tuple(map(fold, line.split()))
            if not sections and question:
                raise ValueError(f"{path}: line {number}: the first line must name a section, as in \": capitals\"")
            if len(question) != 4:
                continue
            if all(word in rows for word in question):
                right = _answer(ask, question, rows, fold, len(words)) == question[3]
            elif dummy4unknown:
                right = False
            else:
                continue
            sections[-1]["correct" if right else "incorrect"].append(question)
    total = {"section": "Total accuracy"}
    for outcome in ("correct", "incorrect"):
        total[outcome] = [question for section in sections for question in section[outcome]]
    asked = len(total["correct"]) + len(total["incorrect"])
    return len(total["correct"]) / asked if asked else 0.0, [*sections, total]


def _answer(ask, question, rows, fold, restrict_vocab):
    """The word that a is to b as c is to it: the first that is none of the three."""
    a, b, c = (rows[word] for word in question[:3])
    similar = ask(positive=[b, c], negative=[a], topn=5, restrict_vocab=restrict_vocab)
    found = (fold(word) for word, _ in similar)
    return next((word for word in found if word in rows and word not in question[:3]), None)
