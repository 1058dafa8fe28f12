-- What a rule's trigger does with a row that breaks it: refuses the whole statement, and says why.
-- Arguments: the table's name, the rule's name and text, its owner, the columns of the key.
CREATE OR REPLACE FUNCTION interlock.refuse() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $refuse$
DECLARE
  key text := (SELECT string_agg(format('%s=%s', k, coalesce(left(to_jsonb(NEW) ->> k, 80), 'NULL')), ', ' ORDER BY n)
               FROM unnest(TG_ARGV[4:]) WITH ORDINALITY AS given(k, n));
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'check_violation',
    MESSAGE = format('%s of table %s breaks rule %s: %s',
                     CASE WHEN key IS NULL THEN 'a row' ELSE 'row ' || key END, TG_ARGV[0], TG_ARGV[1], TG_ARGV[2]),
    DETAIL = 'Interlock refused the whole statement; none of its rows was written.',
    HINT = CASE WHEN TG_ARGV[3] = '' THEN 'Mend the row, or change the rule in the contract and install it again.'
                ELSE format('Mend the row, or ask %s, who owns the rule.', TG_ARGV[3]) END,
    SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = TG_ARGV[1];
END $refuse$
