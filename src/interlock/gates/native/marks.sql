-- What a statement changed, a line for each of the table's partitions it touched, in the transaction that changed it.
-- Nobody updates a line, and nothing waits for one. `added` and `removed` are rows; an update does both.
-- `whole`: more than the label says, or no label could be told. `txid` and `at` are the database's own word.
-- Nobody has a right to it but its owner: who may delete a line may lock the table as well, and stop every writer.
CREATE TABLE IF NOT EXISTS interlock.mark (
  relation regclass NOT NULL,
  label text,
  whole boolean NOT NULL,
  event text NOT NULL,
  added bigint,
  removed bigint,
  txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (vacuum_truncate = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
REVOKE ALL ON interlock.mark FROM PUBLIC;

-- Arguments: the table's name, and the column that splits it, empty where none does. It runs with the rights of
-- whoever owns the schema, so that a writer needs none and can invent no line; so nothing in it may be a writer's or a
-- table owner's code. Values are grouped and written by the functions of their type, which only a superuser can
-- make: no cast, no operator by name. The relation is that of the trigger, whatever the arguments say.
CREATE OR REPLACE FUNCTION interlock.mark_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' SET extra_float_digits = 1 AS $mark$
DECLARE
  changed text;
  labels bigint;
  total bigint;
  one boolean;
  came text := 'NULL';
  went text := 'NULL';
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    INSERT INTO interlock.mark (relation, whole, event) VALUES (TG_RELID, true, TG_OP);
    PERFORM pg_notify('interlock_mark', '');
    RETURN NULL;
  END IF;
  IF TG_ARGV[1] <> '' AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = TG_RELID AND attname = TG_ARGV[1]::name) THEN
    IF TG_OP = 'INSERT' THEN
      one := (SELECT count(*) = 1 FROM (SELECT FROM interlock_added LIMIT 2) s);
    ELSIF TG_OP = 'DELETE' THEN
      one := (SELECT count(*) = 1 FROM (SELECT FROM interlock_removed LIMIT 2) s);
    ELSE
      one := (SELECT count(*) = 1 FROM (SELECT FROM interlock_added LIMIT 2) s)
        AND (SELECT count(*) = 1 FROM (SELECT FROM interlock_removed LIMIT 2) s);
    END IF;
    IF one THEN  -- most statements are of one row: to plan a grouping costs as much as all the rest
      changed := format('(SELECT CASE WHEN %1$I IS NOT NULL THEN format(''%%s'', %1$I) END FROM interlock_', TG_ARGV[1]);
      IF TG_OP <> 'DELETE' THEN
        came := changed || 'added)';
      END IF;
      IF TG_OP <> 'INSERT' THEN
        went := changed || 'removed)';
      END IF;
      EXECUTE format('SELECT %s, %s', came, went) INTO came, went;
      INSERT INTO interlock.mark (relation, label, whole, event, added, removed)
        SELECT TG_RELID, CASE WHEN octet_length(l) <= 1000 THEN l END, coalesce(octet_length(l) > 1000, false), TG_OP, a, r
        FROM (VALUES (came, TG_OP <> 'DELETE', 1, (TG_OP = 'UPDATE' AND came IS NOT DISTINCT FROM went)::int),
                     (went, TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND came IS DISTINCT FROM went, 0, 1)) v (l, there, a, r)
        WHERE there;
      RETURN NULL;
    END IF;
    changed := CASE TG_OP
      WHEN 'INSERT' THEN format('SELECT %I AS v, count(*) AS a, 0 AS r FROM interlock_added GROUP BY 1', TG_ARGV[1])
      WHEN 'DELETE' THEN format('SELECT %I AS v, 0 AS a, count(*) AS r FROM interlock_removed GROUP BY 1', TG_ARGV[1])
      ELSE format('SELECT v, sum(a) AS a, sum(r) AS r FROM (SELECT %I AS v, 1 AS a, 0 AS r FROM interlock_added'
                  ' UNION ALL SELECT %1$I, 0, 1 FROM interlock_removed) both_of_it GROUP BY v', TG_ARGV[1])
    END;
    EXECUTE 'INSERT INTO interlock.mark (relation, label, whole, event, added, removed)'
      ' SELECT $1, CASE WHEN octet_length(l) <= 1000 THEN l END, coalesce(octet_length(l) > 1000, false), $2, a, r'
      ' FROM (SELECT CASE WHEN v IS NOT NULL THEN format(''%s'', v) END AS l, a, r FROM (' || changed ||
      ' LIMIT 1001) c) d RETURNING added + removed' INTO total USING TG_RELID, TG_OP;  -- of the first label
    GET DIAGNOSTICS labels = ROW_COUNT;
    total := total * labels;
    IF labels > 1000 THEN
      INSERT INTO interlock.mark (relation, whole, event) VALUES (TG_RELID, true, TG_OP);
    END IF;
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO interlock.mark (relation, whole, event, added, removed)
      SELECT TG_RELID, true, TG_OP, count(*), 0 FROM interlock_added HAVING count(*) > 0 RETURNING added INTO total;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO interlock.mark (relation, whole, event, added, removed)
      SELECT TG_RELID, true, TG_OP, 0, count(*) FROM interlock_removed HAVING count(*) > 0 RETURNING removed INTO total;
  ELSE
    INSERT INTO interlock.mark (relation, whole, event, added, removed)
      SELECT TG_RELID, true, TG_OP, (SELECT count(*) FROM interlock_added), count(*) FROM interlock_removed
      HAVING count(*) > 0 RETURNING added INTO total;
  END IF;
  -- Whoever notifies holds a lock of the whole server while it commits. A load can afford it; small statements are
  -- found by looking. Of many labels the first one's rows stand for each.
  IF total >= 1000 THEN
    PERFORM pg_notify('interlock_mark', '');
  END IF;
  RETURN NULL;
END $mark$
