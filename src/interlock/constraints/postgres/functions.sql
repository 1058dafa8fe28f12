-- What PostgreSQL's own operators and functions answer with an error, or otherwise than the language says.
--
-- Every body is parsed when the function is made (PostgreSQL 14), so that no search_path of a caller's
-- changes what it means; none reads a table, and none fails for any value. NULL in, NULL out.

-- A sum, product or quotient beyond the largest float is infinite, one below the smallest is 0. Operands
-- near either end are scaled by powers of two first, which changes no digit. 2^1023 and 2^-56 are where
-- rounding leaves the floats (of sums halved, of products scaled by 2^-1080), 2^5 where it comes to 0.
CREATE OR REPLACE FUNCTION interlock.add(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN abs(a) < '8e307'::float8 AND abs(b) < '8e307'::float8 THEN a + b
  WHEN abs(a) >= 'Infinity'::float8 OR abs(b) >= 'Infinity'::float8 OR abs(a) < 1 OR abs(b) < 1 THEN a + b
  WHEN abs(a / 2 + b / 2) >= '8.98846567431158e+307'::float8 THEN sign(a) * 'Infinity'::float8
  ELSE a + b END;

CREATE OR REPLACE FUNCTION interlock.subtract(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interlock.add(a, -b);

CREATE OR REPLACE FUNCTION interlock.far(scaled float8) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN abs(scaled) >= '1.3877787807814457e-17'::float8;

CREATE OR REPLACE FUNCTION interlock.multiply(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN abs(a) < '1e154'::float8 AND abs(b) < '1e154'::float8
    AND abs(a) > '1e-154'::float8 AND abs(b) > '1e-154'::float8 THEN a * b
  WHEN a = 0 OR b = 0 OR abs(a) >= 'Infinity'::float8 OR abs(b) >= 'Infinity'::float8 THEN a * b
  WHEN abs(a) >= 1 AND abs(b) >= 1
    AND interlock.far((a * '2.778448436856347e-163'::float8) * (b * '2.778448436856347e-163'::float8))
    THEN sign(a) * sign(b) * 'Infinity'::float8
  WHEN abs(a) < 1 AND abs(b) < 1
    AND abs((a * '3.599131035634557e+162'::float8) * (b * '3.599131035634557e+162'::float8)) <= 32
    THEN sign(a) * sign(b) * 0::float8
  ELSE a * b END;

-- The same where b is 0, or from 1 to 1e39 on either side of it, as whole numbers are: at a third of the cost.
CREATE OR REPLACE FUNCTION interlock.multiply_many(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN abs(a) < '1e268'::float8 THEN a * b ELSE interlock.multiply(a, b) END;

CREATE OR REPLACE FUNCTION interlock.divide(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN b = 0 THEN CASE
    WHEN a = 0 OR a = 'NaN'::float8 THEN 'NaN'::float8
    ELSE sign(a) * CASE WHEN atan2(0::float8, b) > 1 THEN '-Infinity'::float8 ELSE 'Infinity'::float8 END END
  WHEN abs(a) < '1e154'::float8 AND abs(b) < '1e154'::float8
    AND abs(a) > '1e-154'::float8 AND abs(b) > '1e-154'::float8 THEN a / b
  WHEN a = 0 OR abs(a) >= 'Infinity'::float8 OR abs(b) >= 'Infinity'::float8 THEN a / b
  WHEN abs(a) >= 1 AND abs(b) < 1
    AND interlock.far((a * '2.778448436856347e-163'::float8) / (b * '3.599131035634557e+162'::float8))
    THEN sign(a) * sign(b) * 'Infinity'::float8
  WHEN abs(a) BETWEEN '1e-154'::float8 AND 1 AND abs(b) <= '1e-154'::float8
    AND abs(a / (b * '3.599131035634557e+162'::float8)) >= '4.994797680505588e+145'::float8
    THEN sign(a) * sign(b) * 'Infinity'::float8
  WHEN abs(a) < 1 AND abs(b) >= 1
    AND abs((a * '3.599131035634557e+162'::float8) / (b * '2.778448436856347e-163'::float8)) <= 32
    THEN sign(a) * sign(b) * 0::float8
  ELSE a / b END;

CREATE OR REPLACE FUNCTION interlock.half_away(x float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN x = 0 OR abs(x) >= '4503599627370496'::float8 THEN x
  ELSE sign(x) * (floor(abs(x)) + CASE WHEN abs(x) - floor(abs(x)) >= 0.5 THEN 1 ELSE 0 END) END;

CREATE OR REPLACE FUNCTION interlock.finite_or(x float8, instead float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN abs(x) < 'Infinity'::float8 THEN x ELSE instead END;

CREATE OR REPLACE FUNCTION interlock.rounded(x float8, power float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interlock.finite_or(
  interlock.divide(interlock.half_away(interlock.multiply(x, power)), power), x);

CREATE OR REPLACE FUNCTION interlock.square_root(x float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN x < 0 THEN 'NaN'::float8 ELSE sqrt(x) END;

CREATE OR REPLACE FUNCTION interlock.exponential(x float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN x = 'NaN'::float8 THEN x
  WHEN x > '709.782712893384'::float8 THEN 'Infinity'::float8
  WHEN x < '-745.1332191019411'::float8 THEN 0
  ELSE exp(x) END;

CREATE OR REPLACE FUNCTION interlock.logarithm(x float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN x = 0 THEN '-Infinity'::float8 WHEN x < 0 THEN 'NaN'::float8 ELSE ln(x) END;

CREATE OR REPLACE FUNCTION interlock.logarithm10(x float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN x = 0 THEN '-Infinity'::float8 WHEN x < 0 THEN 'NaN'::float8 ELSE log(x) END;

CREATE OR REPLACE FUNCTION interlock.is_odd(x float8) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN abs(x) < '9007199254740992'::float8 AND floor(x) = x AND floor(x / 2) * 2 <> x;

-- From about e^700 on a power is the square of the half of it: the same but for the last digit or two.
CREATE OR REPLACE FUNCTION interlock.power_of(a float8, b float8, size float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN abs(size) < 700 THEN power(a, b)
  ELSE CASE WHEN a < 0 AND interlock.is_odd(b) THEN -1::float8 ELSE 1::float8 END * CASE
    WHEN size > 710 THEN 'Infinity'::float8
    WHEN size < -746 THEN 0::float8
    ELSE interlock.multiply(power(abs(a), b / 2), power(abs(a), b / 2)) END END;

CREATE OR REPLACE FUNCTION interlock.power(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN a IS NULL OR b IS NULL THEN NULL
  WHEN b = 0 OR a = 1 THEN 1
  WHEN a = 'NaN'::float8 OR b = 'NaN'::float8 THEN 'NaN'::float8
  WHEN a = 0 AND b < 0 THEN
    CASE WHEN interlock.is_odd(b) THEN interlock.divide(1, a) ELSE 'Infinity'::float8 END
  WHEN a = '-Infinity'::float8 AND floor(b) <> b THEN
    CASE WHEN b > 0 THEN 'Infinity'::float8 ELSE 0 END
  WHEN a < 0 AND floor(b) <> b THEN 'NaN'::float8
  WHEN a = 0 OR abs(a) = 'Infinity'::float8 OR abs(b) = 'Infinity'::float8 THEN power(a, b)
  ELSE interlock.power_of(a, b, interlock.multiply(b, ln(abs(a)))) END;

CREATE OR REPLACE FUNCTION interlock.sign_of(x float8) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN x = 'NaN'::float8 THEN 0 ELSE sign(x)::bigint END;

CREATE OR REPLACE FUNCTION interlock.sign_of(x numeric) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN x = 'NaN'::numeric THEN 0 ELSE sign(x)::bigint END;

-- Letter case, one character for one, whatever the database's locale is.
CREATE OR REPLACE FUNCTION interlock.lower(x text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN octet_length(x) = length(x) THEN lower(x COLLATE "C")
  ELSE translate(lower(x COLLATE "C"), :lower_from, :lower_to) END;

CREATE OR REPLACE FUNCTION interlock.upper(x text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN octet_length(x) = length(x) THEN upper(x COLLATE "C")
  ELSE translate(upper(x COLLATE "C"), :upper_from, :upper_to) END;

-- Casts: NULL where the value does not fit.
CREATE OR REPLACE FUNCTION interlock.number(x text) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN length(x) < 1000 AND x ~ '^[ \t\n\r\f\v]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?[ \t\n\r\f\v]*$'
  THEN btrim(x, E' \t\n\r\f\v')::numeric END;

CREATE OR REPLACE FUNCTION interlock.as_float(x numeric) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN x = 'NaN'::numeric OR abs(x) = 'Infinity'::numeric THEN x::float8
  WHEN abs(x) >= 1.797693134862315808e308 THEN sign(x)::float8 * 'Infinity'::float8
  WHEN abs(x) < 2.5e-324 THEN 0
  ELSE x::float8 END;

CREATE OR REPLACE FUNCTION interlock.as_float(x text) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN lower(btrim(x)) IN ('nan', 'inf', '-inf', 'infinity', '-infinity') THEN btrim(x)::float8
  ELSE interlock.as_float(interlock.number(x)) END;

CREATE OR REPLACE FUNCTION interlock.whole(x numeric, bits integer) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN round(x) >= -(2::numeric ^ bits) AND round(x) < 2::numeric ^ bits THEN round(x) END;

CREATE OR REPLACE FUNCTION interlock.whole(x float8, bits integer) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN round(x) >= -(2::float8 ^ bits) AND round(x) < 2::float8 ^ bits THEN round(x)::bigint::numeric END;

CREATE OR REPLACE FUNCTION interlock.exactly(x float8) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN abs(x) < '9.223372036854775e18'::float8 THEN x::bigint::numeric
  WHEN abs(x) < '8.507059173023462e37'::float8 THEN
    trunc(x / '9223372036854775808'::float8)::bigint::numeric * 9223372036854775808
    + (x - trunc(x / '9223372036854775808'::float8) * '9223372036854775808'::float8)::bigint
  WHEN abs(x) < '1.7e38'::float8 THEN
    (x / '18446744073709551616'::float8)::bigint::numeric * 18446744073709551616 END;

CREATE OR REPLACE FUNCTION interlock.fitting(x numeric, width integer, scale integer) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN abs(round(x, scale)) < 10::numeric ^ (width - scale) THEN round(x, scale) END;

CREATE OR REPLACE FUNCTION interlock.fitting(x float8, width integer, scale integer) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interlock.fitting(
  interlock.exactly(interlock.half_away(interlock.multiply(x, 10::float8 ^ scale))) / 10::numeric ^ scale,
  width, scale);

CREATE OR REPLACE FUNCTION interlock.truth(x text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN lower(x) IN ('true', 't', '1', 'yes', 'y') THEN true
  WHEN lower(x) IN ('false', 'f', '0', 'no', 'n') THEN false END;

CREATE OR REPLACE FUNCTION interlock.date_of(year integer, month integer, day integer) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN year BETWEEN 1 AND 99999 AND month BETWEEN 1 AND 12 AND day BETWEEN 1 AND
    CASE WHEN month IN (4, 6, 9, 11) THEN 30 WHEN month <> 2 THEN 31
      WHEN year % 4 = 0 AND (year % 100 <> 0 OR year % 400 = 0) THEN 29 ELSE 28 END
  THEN make_date(year, month, day) END;

CREATE OR REPLACE FUNCTION interlock.time_of(parts text[]) RETURNS time LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN parts[1]::integer < 24 AND parts[2]::integer < 60 AND coalesce(parts[3], '0')::integer < 60
  THEN make_time(parts[1]::integer, parts[2]::integer, 0)
    + (coalesce(parts[3], '0')::integer * 1000000 + rpad(left(coalesce(parts[4], ''), 6), 6, '0')::integer)
      * '1 microsecond'::interval END;

CREATE OR REPLACE FUNCTION interlock.moment_of(parts text[]) RETURNS timestamp LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN parts[4] IS NULL THEN
    interlock.date_of(parts[1]::integer, parts[2]::integer, parts[3]::integer)::timestamp
  ELSE interlock.date_of(parts[1]::integer, parts[2]::integer, parts[3]::integer)
    + interlock.time_of(parts[4:7]) END;

CREATE OR REPLACE FUNCTION interlock.as_timestamp(x text) RETURNS timestamp LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interlock.moment_of(regexp_match(x,
  '^ *([0-9]{1,5})[-/]([0-9]{1,2})[-/]([0-9]{1,2})(?:[ T]([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,9}))?)?)? *$'));

CREATE OR REPLACE FUNCTION interlock.as_timestamp(x date) RETURNS timestamp LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN x <= '9999-12-31'::date OR NOT isfinite(x) THEN x::timestamp END;

CREATE OR REPLACE FUNCTION interlock.as_time(x text) RETURNS time LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(
  interlock.time_of(regexp_match(x, '^ *([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,9}))?)? *$')),
  interlock.as_timestamp(x)::time);

-- Dates and times; NULL for those that are infinite.
CREATE OR REPLACE FUNCTION interlock.date_text(x date) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN x = 'infinity'::date THEN 'infinity'
  WHEN x = '-infinity'::date THEN '-infinity'
  WHEN x < '0001-01-01'::date THEN to_char(x::timestamp, 'YYYY-MM-DD') || ' (BC)'
  ELSE CASE WHEN x < '1000-01-01'::date THEN lpad(extract(year FROM x)::text, 4, '0') ELSE extract(year FROM x)::text END
    || '-' || lpad(extract(month FROM x)::text, 2, '0') || '-' || lpad(extract(day FROM x)::text, 2, '0') END;

CREATE OR REPLACE FUNCTION interlock.in_utc(x timestamptz) RETURNS timestamp LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN isfinite(x) THEN x AT TIME ZONE 'UTC' END;

CREATE OR REPLACE FUNCTION interlock.part(unit text, x timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN isfinite(x) THEN floor(date_part(unit, x))::bigint END;

CREATE OR REPLACE FUNCTION interlock.counted(unit text, x timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN NOT isfinite(x) THEN NULL
  WHEN unit = 'year' THEN date_part('year', x)::bigint
  WHEN unit = 'month' THEN date_part('year', x)::bigint * 12 + date_part('month', x)::bigint
  ELSE floor(extract(epoch FROM x) / CASE unit
    WHEN 'day' THEN 86400 WHEN 'hour' THEN 3600 WHEN 'minute' THEN 60 ELSE 1 END)::bigint END;

CREATE OR REPLACE FUNCTION interlock.days_between(a date, b date) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN isfinite(a) AND isfinite(b) THEN (a - b)::bigint END;

-- Whether a moment shifted by months or by seconds stays within the years 1 to 9999.
CREATE OR REPLACE FUNCTION interlock.stays(x timestamp, months bigint, seconds numeric) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN isfinite(x)
  AND date_part('year', x)::bigint * 12 + date_part('month', x)::bigint - 1 + months BETWEEN 12 AND 119999
  AND extract(epoch FROM x) + seconds BETWEEN -62135596800 AND 253402300799.999999;

-- Aggregates.
CREATE OR REPLACE FUNCTION interlock.one_more(n float8, mean float8, squares float8, x float8, before float8, after float8)
RETURNS float8[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[n, after, interlock.add(squares, interlock.multiply(before, interlock.subtract(x, after)))];

CREATE OR REPLACE FUNCTION interlock.one_more(n float8, mean float8, squares float8, x float8, before float8)
RETURNS float8[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interlock.one_more(n, mean, squares, x, before, interlock.add(mean, interlock.divide(before, n)));

CREATE OR REPLACE FUNCTION interlock.one_more(state float8[], x float8) RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN x IS NULL THEN state
  ELSE interlock.one_more(state[1] + 1, state[2], state[3], x, interlock.subtract(x, state[2])) END;

-- Count, mean and sum of squared deviations (Welford's recurrence), of values in the order they come in.
CREATE OR REPLACE AGGREGATE interlock.spread(float8) (SFUNC = interlock.one_more, STYPE = float8[], INITCOND = '{0,0,0}');

CREATE OR REPLACE FUNCTION interlock.variance(state float8[], less integer) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN state[1] <= less THEN NULL
  WHEN state[1] = 1 THEN 0
  ELSE interlock.divide(state[3], state[1] - less) END;

CREATE OR REPLACE FUNCTION interlock.between(sorted float8[], low integer, share float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN share = 0 THEN sorted[low + 1]
  ELSE interlock.add(interlock.multiply(sorted[low + 1], 1 - share), interlock.multiply(sorted[low + 2], share)) END;

CREATE OR REPLACE FUNCTION interlock.quantile(sorted float8[], q float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN interlock.between(sorted, floor((cardinality(sorted) - 1) * q)::integer,
  (cardinality(sorted) - 1) * q - floor((cardinality(sorted) - 1) * q));
