-- The results of one run. Only the coordinating process writes; bench/store/queries.py holds every statement.
CREATE TABLE constants (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE commands (id INTEGER PRIMARY KEY, record TEXT NOT NULL UNIQUE);

CREATE TABLE methods (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, name TEXT NOT NULL, label TEXT NOT NULL, slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL, options TEXT NOT NULL, is_upper_bound INTEGER NOT NULL, training_metrics TEXT NOT NULL,
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
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, title TEXT NOT NULL, signature TEXT NOT NULL, better TEXT NOT NULL,
    scope TEXT NOT NULL, unit TEXT NOT NULL, about TEXT NOT NULL, threshold REAL, UNIQUE (name, signature)
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

-- What pairs of different HR images of a category score by a metric of identity.
CREATE TABLE strangers (
    category_id INTEGER NOT NULL REFERENCES categories ON DELETE CASCADE, metric_id INTEGER NOT NULL REFERENCES metrics,
    mean REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, share REAL NOT NULL, pairs INTEGER NOT NULL,
    members TEXT NOT NULL, PRIMARY KEY (category_id, metric_id)
) WITHOUT ROWID;

CREATE TABLE unavailable_metrics (name TEXT PRIMARY KEY, reason TEXT NOT NULL, remedy TEXT NOT NULL) WITHOUT ROWID;

-- An image with its category.
CREATE VIEW image_view AS
SELECT images.id AS image_id, category_id, categories.name AS category, kind, has_hr, images.name AS image, position,
       width, height, images.digest, flag, stamp
FROM images JOIN categories ON categories.id = category_id;

-- An LR image with the image it is of.
CREATE VIEW input_view AS
SELECT inputs.id AS input_id, image_id, category_id, category, kind, has_hr, image, position, stamp, factor,
       inputs.digest, inputs.width, inputs.height, problem
FROM inputs JOIN image_view USING (image_id);

-- A cell with its method and its input.
CREATE VIEW cell_view AS
SELECT cells.id AS cell_id, method_id, label AS method, slug, is_current, input_id, category_id, category, kind, has_hr,
       image, position, factor, repeat, status, reason, cells.digest
FROM cells JOIN methods ON methods.id = method_id JOIN input_view USING (input_id);

-- A value of a cell.
CREATE VIEW score_view AS
SELECT cell_id, method_id, method, is_current, category_id, category, image, position, factor, repeat, status,
       metric_id, metrics.name AS metric, signature, value, COALESCE(scores.reason, cell_view.reason) AS reason
FROM scores JOIN cell_view USING (cell_id) JOIN metrics ON metrics.id = metric_id;

-- A value of a set of images.
CREATE VIEW set_score_view AS
SELECT method_id, label AS method, is_current, category_id, categories.name AS category, factor, repeat,
       metric_id, metrics.name AS metric, signature, value, n, note, members
FROM set_scores JOIN methods ON methods.id = method_id JOIN categories ON categories.id = category_id
JOIN metrics ON metrics.id = metric_id;

-- Every value of the methods as they are now, and every cell without any: the rows of `Run.frame`.
CREATE VIEW frame_view AS
SELECT method, category, factor, image, repeat, metric, value, signature, status, reason,
       category_id, position, method_id, metric_id
FROM score_view WHERE is_current
UNION ALL
SELECT method, category, factor, image, repeat, NULL, NULL, NULL, status, reason, category_id, position, method_id, 0
FROM cell_view
WHERE is_current AND NOT EXISTS (SELECT 1 FROM scores WHERE scores.cell_id = cell_view.cell_id)
UNION ALL
SELECT method, category, factor, NULL, repeat, metric, value, signature, CASE WHEN value IS NULL THEN 'error' ELSE 'done' END,
       'n = ' || n || COALESCE('; ' || note, ''), category_id, -1, method_id, metric_id
FROM set_score_view WHERE is_current;

-- The pairs of a category by a metric of identity.
CREATE VIEW strangers_view AS
SELECT category_id, metric_id, categories.name AS category, metrics.name AS metric, signature, mean, low, high, share, pairs
FROM strangers JOIN categories ON categories.id = category_id JOIN metrics ON metrics.id = metric_id;
