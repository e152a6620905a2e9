-- The results of one run. Only the coordinating process writes; bench/store/queries.py holds every statement.
CREATE TABLE constants (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE commands (id INTEGER PRIMARY KEY, record TEXT NOT NULL UNIQUE);

CREATE TABLE methods (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, name TEXT NOT NULL, label TEXT NOT NULL, slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL, options TEXT NOT NULL, is_upper_bound INTEGER NOT NULL, training_metrics TEXT NOT NULL,
    notes TEXT NOT NULL, trained_on TEXT NOT NULL, approach TEXT NOT NULL, is_current INTEGER NOT NULL
);

CREATE TABLE categories (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL, kind TEXT, about TEXT NOT NULL,
    licence TEXT NOT NULL, origin TEXT NOT NULL, preparation TEXT NOT NULL, has_hr INTEGER NOT NULL, data_set TEXT
);

-- What the commands of the run asked for: a method by its label, the first images of a category, and repeats of each.
CREATE TABLE asks (
    label TEXT NOT NULL, category_id INTEGER NOT NULL REFERENCES categories, factor INTEGER NOT NULL,
    images INTEGER NOT NULL, repeats INTEGER NOT NULL, PRIMARY KEY (label, category_id, factor, images, repeats)
) WITHOUT ROWID;

-- One row a content that an image of a name had. Its position is its place in what the category's source listed when
-- it was last read; NULL when the source does not list it, or lists another content under this name. No digest: it was
-- asked for, and is not read yet or cannot be used. Its file is the stem of its PNGs.
CREATE TABLE images (
    id INTEGER PRIMARY KEY, category_id INTEGER NOT NULL REFERENCES categories ON DELETE CASCADE,
    name TEXT NOT NULL, position INTEGER, stamp TEXT, content TEXT, digest TEXT, file TEXT, width INTEGER,
    height INTEGER, flag TEXT, UNIQUE (category_id, name, digest), UNIQUE (category_id, file)
);
CREATE INDEX images_by_position ON images (category_id, position);

-- What methods that see references are given beside an image, when it was last read.
CREATE TABLE image_references (
    id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL UNIQUE REFERENCES images ON DELETE CASCADE, digest TEXT NOT NULL
);

CREATE TABLE inputs (
    id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL REFERENCES images ON DELETE CASCADE,
    factor INTEGER NOT NULL, digest TEXT, width INTEGER, height INTEGER, problem TEXT, UNIQUE (image_id, factor)
);

-- The digest of the references is that of those that it was restored with; NULL: without any.
CREATE TABLE cells (
    id INTEGER PRIMARY KEY, method_id INTEGER NOT NULL REFERENCES methods,
    input_id INTEGER NOT NULL REFERENCES inputs ON DELETE CASCADE, repeat INTEGER NOT NULL,
    status TEXT NOT NULL, reason TEXT, digest TEXT, references_digest TEXT, UNIQUE (method_id, input_id, repeat)
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
       file, width, height, images.digest, flag, image_references.digest AS references_digest
FROM images JOIN categories ON categories.id = category_id LEFT JOIN image_references ON image_id = images.id;

-- An LR image with the image it is of.
CREATE VIEW input_view AS
SELECT inputs.id AS input_id, image_id, category_id, category, kind, has_hr, image, position, file, factor,
       inputs.digest, inputs.width, inputs.height, problem, references_digest
FROM inputs JOIN image_view USING (image_id);

-- What lies in hr/ and lr/: every content that an image ever had, with its LR images.
CREATE VIEW file_view AS
SELECT image_view.*, factor, inputs.digest AS lr_digest
FROM image_view LEFT JOIN inputs USING (image_id) WHERE file IS NOT NULL;

-- A cell with its method and its input.
CREATE VIEW cell_view AS
SELECT cells.id AS cell_id, method_id, identity, label AS method, slug, is_current, input_id, category_id, category, kind,
       has_hr, image_id, image, position, file, factor, repeat, status, reason, cells.digest,
       COALESCE(cells.references_digest, input_view.references_digest) IS input_view.references_digest AS has_its_references,
       COALESCE(cells.references_digest, input_view.references_digest) IS input_view.references_digest
       AND is_current AND position IS NOT NULL AND EXISTS (
           SELECT 1 FROM asks WHERE label = methods.label AND asks.category_id = input_view.category_id
           AND asks.factor = input_view.factor AND images > position AND repeats > repeat
       ) AS is_asked
FROM cells JOIN methods ON methods.id = method_id JOIN input_view USING (input_id);

-- The cells of every table: what the commands asked for, on the images that the sources listed when they were last read.
CREATE VIEW asked_view AS
WITH RECURSIVE turns (repeat) AS (
    SELECT 0 UNION ALL SELECT repeat + 1 FROM turns WHERE repeat + 1 < (SELECT MAX(repeats) FROM asks)
)
SELECT DISTINCT methods.id AS method_id, methods.label AS method, image_view.*, factor, repeat
FROM asks JOIN methods ON methods.label = asks.label AND is_current
JOIN image_view ON image_view.category_id = asks.category_id AND position < images JOIN turns ON repeat < repeats;

-- Those cells with what became of them.
CREATE VIEW table_view AS
SELECT asked_view.*, cells.id AS cell_id, COALESCE(status, 'pending') AS status, COALESCE(reason, problem) AS reason
FROM asked_view LEFT JOIN inputs ON inputs.image_id = asked_view.image_id AND inputs.factor = asked_view.factor
LEFT JOIN cells ON cells.method_id = asked_view.method_id AND input_id = inputs.id AND cells.repeat = asked_view.repeat
AND COALESCE(cells.references_digest, asked_view.references_digest) IS asked_view.references_digest;

-- A value of a set of images.
CREATE VIEW set_score_view AS
SELECT method_id, label AS method, is_current, category_id, categories.name AS category, factor, repeat,
       metric_id, metrics.name AS metric, signature, value, n, note, members
FROM set_scores JOIN methods ON methods.id = method_id JOIN categories ON categories.id = category_id
JOIN metrics ON metrics.id = metric_id;

-- Every value of those cells, and every cell without any: the rows of `Run.frame` that are of one image. The cells come
-- first (CROSS): SQLite would go through all scores and look for each among all cells of its method, quadratic in images.
CREATE VIEW frame_view AS
SELECT method, category, factor, image, repeat, metrics.name AS metric, value, signature, status,
       COALESCE(scores.reason, table_view.reason) AS reason, category_id, position, method_id, metric_id
FROM table_view CROSS JOIN scores USING (cell_id) JOIN metrics ON metrics.id = metric_id
UNION ALL
SELECT method, category, factor, image, repeat, NULL, NULL, NULL, status, reason, category_id, position, method_id, 0
FROM table_view WHERE NOT EXISTS (SELECT 1 FROM scores WHERE scores.cell_id = table_view.cell_id);

-- The pairs of a category by a metric of identity.
CREATE VIEW strangers_view AS
SELECT category_id, metric_id, categories.name AS category, metrics.name AS metric, signature, mean, low, high, share, pairs,
       members
FROM strangers JOIN categories ON categories.id = category_id JOIN metrics ON metrics.id = metric_id;
