-- Rows that a load brought and a rule kept out, each value as text, JSON as it is. A reader sees what they wrote and might read, the
-- table's owner all of the table's; nobody but the owner of the schema changes or deletes.
CREATE TABLE IF NOT EXISTS interlock.quarantine (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  relation regclass NOT NULL,
  table_name text NOT NULL,
  rule text NOT NULL,
  key text,
  row jsonb NOT NULL,
  writer text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
REVOKE ALL ON interlock.quarantine FROM PUBLIC;
GRANT SELECT ON interlock.quarantine TO PUBLIC;
ALTER TABLE interlock.quarantine ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_rows ON interlock.quarantine;
CREATE POLICY own_rows ON interlock.quarantine FOR SELECT USING (EXISTS (
  SELECT FROM pg_class c WHERE c.oid = relation AND (pg_has_role(current_user, c.relowner, 'USAGE')
    OR writer = current_user AND has_table_privilege(current_user, c.oid, 'SELECT') AND NOT c.relrowsecurity)));

-- Arguments: the table's name, the rule's name, the columns of the key. It runs with the rights of whoever owns the
-- schema: a writer needs none, and puts nothing there but what a trigger gives. So no code of a writer's or a table
-- owner's runs in it: values are written by the functions of their types, by no cast, and the relation is the trigger's.
CREATE OR REPLACE FUNCTION interlock.quarantine_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' SET intervalstyle = 'postgres' SET timezone = 'UTC'
SET extra_float_digits = 1 SET bytea_output = 'hex' AS $quarantine$
DECLARE
  names text[];
  each text;
  kept jsonb;
BEGIN
  SELECT array_agg(attname ORDER BY attnum),
         string_agg(format('CASE WHEN num_nulls(($1).%1$I) = 0 THEN format(''%%s'', ($1).%1$I) END', attname), ', '
                    ORDER BY attnum)
    INTO names, each FROM pg_attribute
    WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
  EXECUTE 'SELECT jsonb_object($2, ARRAY[' || each || ']::text[])' INTO kept USING NEW, names;
  kept := kept || coalesce((
    SELECT jsonb_object_agg(attname, (kept ->> attname)::jsonb) FROM pg_attribute
    WHERE attrelid = TG_RELID AND atttypid IN ('json'::regtype, 'jsonb'::regtype) AND kept ->> attname IS NOT NULL
    AND attnum > 0 AND NOT attisdropped), '{}');
  INSERT INTO interlock.quarantine (relation, table_name, rule, key, row, writer) VALUES (
    coalesce(pg_partition_root(TG_RELID), TG_RELID), TG_ARGV[0], TG_ARGV[1],
    (SELECT string_agg(k || '=' || coalesce(left(kept ->> k, 80), 'NULL'), ', ' ORDER BY n)
       FROM unnest(TG_ARGV[2:]) WITH ORDINALITY u (k, n)),
    kept, coalesce(nullif(current_setting('role'), 'none'), session_user::text));
  RETURN NULL;
END $quarantine$
