"""Words of plugins' SQL (插件可用的词): what may stand before a parenthesis.

All functions are PostgreSQL's own (``pg_catalog``); each works on its arguments alone: none changes
the session, waits, runs SQL that it is given as a text, or tells of the server.
"""

_GRAMMAR = """
    all and any array as asymmetric between both by case cast coalesce cube distinct else escape
    except exists extract fetch filter first for from greatest group having ilike in intersect is
    join lateral leading least like limit materialized next not nullif offset on only or over
    overlay placing position recursive rollup row select sets some substring symmetric then to
    trailing trim union using values when where with within zone grouping
"""
_AGGREGATES = """
    array_agg avg bit_and bit_or bool_and bool_or corr count covar_pop covar_samp every json_agg
    json_object_agg jsonb_agg jsonb_object_agg max min mode percentile_cont percentile_disc
    range_agg stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank
    row_number
"""
_NUMBERS = """
    abs acos acosd asin asind atan atan2 atan2d atand cbrt ceil ceiling cos cosd cot degrees div exp
    factorial floor gcd lcm ln log log10 mod num_nonnulls num_nulls pi power radians random round
    scale sign sin sind sqrt tan tand trim_scale trunc width_bucket generate_series
"""
_TEXTS = """
    ascii bit_length btrim char_length character_length chr concat concat_ws convert_from convert_to
    decode encode format initcap left length lower lpad ltrim md5 normalize octet_length
    regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace
    regexp_split_to_array regexp_split_to_table regexp_substr replace reverse right rpad rtrim
    sha256 split_part starts_with string_to_array string_to_table strpos substr to_char to_hex
    to_number translate upper plainto_tsquery phraseto_tsquery to_tsquery to_tsvector ts_rank
    websearch_to_tsquery
"""
_TIMES = """
    age clock_timestamp date_bin date_part date_trunc isfinite justify_days justify_hours
    justify_interval make_date make_interval make_time make_timestamp make_timestamptz now
    statement_timestamp timezone to_date to_timestamp transaction_timestamp
"""
_ARRAYS_AND_JSON = """
    array_append array_cat array_dims array_length array_lower array_ndims array_position
    array_positions array_prepend array_remove array_replace array_to_json array_to_string
    array_upper cardinality generate_subscripts trim_array unnest
    json_array_elements json_array_elements_text json_array_length json_build_array
    json_build_object json_each json_each_text json_extract_path json_extract_path_text
    json_object_keys json_strip_nulls json_typeof row_to_json to_json to_jsonb jsonb_array_elements
    jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each
    jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_object_keys jsonb_path_exists
    jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_set
    jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof json_to_record
    json_to_recordset
"""
_OTHERS = """
    daterange gen_random_uuid int4range int8range isempty lower_inc lower_inf numrange
    range_merge tsrange tstzrange upper_inc upper_inf uuid_extract_timestamp
"""
_TYPES = """
    bit bpchar char character date dec decimal float interval numeric text time timestamp
    timestamptz timetz varbit varchar varying
"""


def _words(*lists: str) -> frozenset[str]:
    return frozenset(" ".join(lists).split())


BEFORE_PARENTHESES = _words(_GRAMMAR)
"""Words of the grammar."""

FUNCTIONS = _words(_AGGREGATES, _NUMBERS, _TEXTS, _TIMES, _ARRAYS_AND_JSON, _OTHERS, _TYPES)
"""Functions, and types that take a length."""

OF_CORE = _words("shape_covers uuid7")
"""Functions of the schema ``core`` that work on their arguments alone."""
