-- What readers of guarded relations are warned of: a row for each broken column, with an empty name for the table as
-- a whole. Everybody may read it; a row is written by whoever may act as its relation's owner.
CREATE TABLE IF NOT EXISTS interlock.broken (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  relation oid NOT NULL,
  column_name text NOT NULL,
  table_name text NOT NULL,
  since text NOT NULL,
  what text NOT NULL,
  ask text NOT NULL,
  alert text,
  marked_at timestamptz NOT NULL DEFAULT now(),
  marked_by text NOT NULL DEFAULT session_user,
  UNIQUE (relation, column_name)
);
ALTER TABLE interlock.broken ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON interlock.broken FROM PUBLIC;
GRANT SELECT, DELETE, INSERT (relation, column_name, table_name, since, what, ask, alert),
  UPDATE (table_name, since, what, ask, alert) ON interlock.broken TO PUBLIC;
DROP POLICY IF EXISTS anybody_reads ON interlock.broken;
CREATE POLICY anybody_reads ON interlock.broken FOR SELECT USING (true);
DROP POLICY IF EXISTS owners_mark ON interlock.broken;
CREATE POLICY owners_mark ON interlock.broken
  USING (pg_has_role(current_user, (SELECT relowner FROM pg_class c WHERE c.oid = relation), 'USAGE'));

-- Says of one of them what broke, once a statement of the client, and is true. A cursor of that name, made by this very
-- statement, is the memory: nothing else that a query may write is kept while it runs in parallel. Nothing here may
-- end in an error, for it would end the reader's query.
CREATE OR REPLACE FUNCTION interlock.warn(id integer) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $warn$
DECLARE
  hidden CONSTANT text := E'[\\u0001-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff]';
  said refcursor := 'interlock ' || id;
  before timestamptz;
  told record;
  advice text;
BEGIN
  SELECT creation_time INTO before FROM pg_cursors c WHERE c.name = said::text;
  IF before = statement_timestamp() OR to_regclass('interlock.broken') IS NULL
     OR NOT has_table_privilege('interlock.broken', 'SELECT') THEN
    RETURN true;
  END IF;
  SELECT b.table_name, b.column_name, b.since, b.what, b.ask, b.alert INTO told FROM interlock.broken b
    WHERE b.id = warn.id;
  IF told.table_name IS NULL THEN
    RETURN true;
  END IF;
  IF before IS NOT NULL THEN
    CLOSE said;
  END IF;
  OPEN said FOR SELECT 1;
  advice := concat_ws(' ', CASE WHEN told.ask <> '' THEN 'Ask ' || told.ask || '.' END,
                      CASE WHEN told.alert IS NOT NULL THEN 'interlock alerts show ' || told.alert END);
  RAISE WARNING USING
    ERRCODE = '01ILK',
    MESSAGE = left(regexp_replace(format('interlock: %s is broken since %s: %s',
      concat_ws('.', told.table_name, nullif(told.column_name, '')), told.since, told.what), hidden, '?', 'g'), 2000),
    HINT = left(regexp_replace(CASE WHEN advice <> '' THEN advice ELSE 'Ask the owner of the table.' END, hidden, '?', 'g'), 500),
    TABLE = told.table_name, COLUMN = told.column_name;
  RETURN true;
END $warn$;
