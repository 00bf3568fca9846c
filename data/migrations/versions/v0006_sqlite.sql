CREATE TABLE map_view (
fid INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
id TEXT DEFAULT '(auto)' NOT NULL,
name TEXT NOT NULL,
made_by TEXT NOT NULL,
shared INTEGER DEFAULT 0 NOT NULL,
document TEXT NOT NULL,
created_utc TEXT NOT NULL,
updated_utc TEXT NOT NULL,
CONSTRAINT ck_map_view_id CHECK (id <> ''),
CONSTRAINT ck_map_view_name CHECK (name <> ''),
CONSTRAINT ck_map_view_shared CHECK (shared IN (0, 1)),
CONSTRAINT ck_map_view_created_utc CHECK (created_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT ck_map_view_updated_utc CHECK (updated_utc LIKE '____-__-__T__:__:__%Z'),
CONSTRAINT uq_map_view_key UNIQUE (made_by, name),
UNIQUE (id)
)

INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
VALUES ('map_view', 'attributes', 'map_view', NULL)
