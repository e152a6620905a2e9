-- The results of one run. Only the coordinating process writes; see bench/store.py.
CREATE TABLE constants (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE commands (id INTEGER PRIMARY KEY, record TEXT NOT NULL UNIQUE);

CREATE TABLE methods (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, name TEXT NOT NULL, label TEXT NOT NULL, slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL, options TEXT NOT NULL, sees_hr INTEGER NOT NULL, training_metrics TEXT NOT NULL,
    notes TEXT NOT NULL, is_current INTEGER NOT NULL
);

CREATE TABLE categories (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL, kind TEXT, about TEXT NOT NULL,
    licence TEXT NOT NULL, digest TEXT NOT NULL, has_hr INTEGER NOT NULL
);

CREATE TABLE images (
    id INTEGER PRIMARY KEY, category_id INTEGER NOT NULL REFERENCES categories ON DELETE CASCADE,
    name TEXT NOT NULL, position INTEGER NOT NULL, digest TEXT, width INTEGER, height INTEGER,
    flag TEXT, stamp TEXT, UNIQUE (category_id, name)
);

CREATE TABLE inputs (
    id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL REFERENCES images ON DELETE CASCADE,
    factor INTEGER NOT NULL, digest TEXT, width INTEGER, height INTEGER, problem TEXT, UNIQUE (image_id, factor)
);

CREATE TABLE cells (
    id INTEGER PRIMARY KEY, method_id INTEGER NOT NULL REFERENCES methods,
    input_id INTEGER NOT NULL REFERENCES inputs ON DELETE CASCADE, repeat INTEGER NOT NULL,
    status TEXT NOT NULL, reason TEXT, digest TEXT, UNIQUE (method_id, input_id, repeat)
);
CREATE INDEX cells_by_input ON cells (input_id);

CREATE TABLE metrics (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, signature TEXT NOT NULL, better TEXT NOT NULL,
    scope TEXT NOT NULL, unit TEXT NOT NULL, UNIQUE (name, signature)
);

CREATE TABLE scores (
    cell_id INTEGER NOT NULL REFERENCES cells ON DELETE CASCADE, metric_id INTEGER NOT NULL REFERENCES metrics,
    value REAL, reason TEXT, PRIMARY KEY (cell_id, metric_id)
) WITHOUT ROWID;

CREATE TABLE set_scores (
    method_id INTEGER NOT NULL REFERENCES methods, category_id INTEGER NOT NULL REFERENCES categories,
    factor INTEGER NOT NULL, repeat INTEGER NOT NULL, metric_id INTEGER NOT NULL REFERENCES metrics,
    value REAL, n INTEGER NOT NULL, note TEXT, members TEXT NOT NULL,
    PRIMARY KEY (method_id, category_id, factor, repeat, metric_id)
) WITHOUT ROWID;

CREATE TABLE unavailable_metrics (name TEXT PRIMARY KEY, reason TEXT NOT NULL, remedy TEXT NOT NULL) WITHOUT ROWID;
