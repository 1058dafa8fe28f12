-- What the rules' trigger does with a row that breaks one: refuses the whole statement, and says which and why.
-- Arguments: the table's name, its owner, how many columns the key has and these, then for each rule its name, its text
-- and the condition of the trigger for it alone. Of the key it tells what the writer may read.
CREATE OR REPLACE FUNCTION interlock.refuse() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $refuse$
DECLARE
  name text;
  value text;
  key text;
  breaks boolean;
  broken text[];
  rule text;
  first_rule int := 3 + TG_ARGV[2]::int;
BEGIN
  FOREACH name IN ARRAY TG_ARGV[3:first_rule - 1] LOOP
    IF has_column_privilege(TG_RELID, name, 'SELECT') AND NOT row_security_active(TG_RELID) THEN
      EXECUTE format('SELECT left(($1).%I::text, 80)', name) INTO value USING NEW;
      key := concat_ws(', ', key, name || '=' || coalesce(value, 'NULL'));
    END IF;
  END LOOP;
  FOR at IN first_rule .. TG_NARGS - 1 BY 3 LOOP
    EXECUTE format('SELECT %s FROM (SELECT ($1).*) AS new', TG_ARGV[at + 2]) INTO breaks USING NEW;
    IF breaks THEN
      broken := broken || TG_ARGV[at];
      rule := coalesce(rule, TG_ARGV[at] || ': ' || TG_ARGV[at + 1]);
    END IF;
  END LOOP;
  RAISE EXCEPTION USING
    ERRCODE = 'check_violation',
    MESSAGE = format('%s of table %s breaks rule %s',
                     CASE WHEN key IS NULL THEN 'a row' ELSE 'row ' || key END, TG_ARGV[0], rule),
    DETAIL = 'Interlock refused the whole statement; none of its rows was written.'
             || coalesce(' The row breaks also: ' || nullif(array_to_string(broken[2:], ', '), '') || '.', ''),
    HINT = CASE WHEN TG_ARGV[1] = '' THEN 'Mend the row, or change the rule in the contract and install it again.'
                ELSE format('Mend the row, or ask %s, who owns the rule.', TG_ARGV[1]) END,
    SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = coalesce(broken[1], 'interlock_rules');
END $refuse$;
