-- What a rule's trigger does with a row that breaks it: refuses the whole statement, and says why.
-- Arguments: the table's name, the rule's name and text, its owner, the columns of the key. Of the key it tells
-- what the writer may read.
CREATE OR REPLACE FUNCTION interlock.refuse() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $refuse$
DECLARE
  name text;
  value text;
  key text;
BEGIN
  FOREACH name IN ARRAY TG_ARGV[4:] LOOP
    IF has_column_privilege(TG_RELID, name, 'SELECT') AND NOT row_security_active(TG_RELID) THEN
      EXECUTE format('SELECT left(($1).%I::text, 80)', name) INTO value USING NEW;
      key := concat_ws(', ', key, name || '=' || coalesce(value, 'NULL'));
    END IF;
  END LOOP;
  RAISE EXCEPTION USING
    ERRCODE = 'check_violation',
    MESSAGE = format('%s of table %s breaks rule %s: %s',
                     CASE WHEN key IS NULL THEN 'a row' ELSE 'row ' || key END, TG_ARGV[0], TG_ARGV[1], TG_ARGV[2]),
    DETAIL = 'Interlock refused the whole statement; none of its rows was written.',
    HINT = CASE WHEN TG_ARGV[3] = '' THEN 'Mend the row, or change the rule in the contract and install it again.'
                ELSE format('Mend the row, or ask %s, who owns the rule.', TG_ARGV[3]) END,
    SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_ARGV[1];
END $refuse$
