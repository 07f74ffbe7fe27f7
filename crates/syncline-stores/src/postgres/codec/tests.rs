use proptest::prelude::*;
use syncline_core::value::calendar::{DAY_MICROS, INFINITY, NEGATIVE_INFINITY};
use syncline_core::value::{RowBatch, Value, ValueRef, single};

use super::*;

fn all_codecs() -> Vec<Codec> {
    use Codec::*;
    let own = [
        Bool,
        Int2,
        Int4,
        Int8,
        Oid,
        Float4,
        Float8,
        Numeric,
        Text,
        Json,
        Jsonb,
        Bytea,
        Date,
        Time,
        Timestamp,
        Timestamptz,
        Uuid,
    ];
    own.into_iter().chain([Codec::other("inet")]).collect()
}

fn text() -> impl Strategy<Value = String> {
    "[^\u{0}]{0,30}"
}

fn decimal() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[1-9][0-9]{0,30}(\\.[0-9]{1,30})?",
        "-?0\\.[0-9]{0,12}[1-9]",
        "0(\\.0{1,9})?",
        Just("NaN".to_owned()),
        Just("Infinity".to_owned()),
        Just("-Infinity".to_owned()),
    ]
}

/// Values as the server would have them in columns of this type.
fn native(codec: Codec) -> BoxedStrategy<Value> {
    let moments = || prop_oneof![-210_866_803_200_000_000..=i64::MAX, Just(INFINITY), Just(NEGATIVE_INFINITY)];
    match codec {
        Codec::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Codec::Int2 => any::<i16>().prop_map(|value| Value::Int(value.into())).boxed(),
        Codec::Int4 => any::<i32>().prop_map(|value| Value::Int(value.into())).boxed(),
        Codec::Int8 => any::<i64>().prop_map(Value::Int).boxed(),
        Codec::Oid => any::<u32>().prop_map(|value| Value::Int(value.into())).boxed(),
        Codec::Float4 => any::<u32>().prop_map(|bits| Value::Real(single::as_double(f32::from_bits(bits)))).boxed(),
        Codec::Float8 => any::<u64>().prop_map(|bits| Value::Real(f64::from_bits(bits))).boxed(),
        Codec::Numeric => decimal().prop_map(Value::Decimal).boxed(),
        Codec::Text => prop::collection::vec(1_u8.., 0..40).prop_map(Value::Text).boxed(),
        Codec::Json | Codec::Jsonb => text().prop_map(Value::Json).boxed(),
        Codec::Bytea => prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes).boxed(),
        Codec::Date => {
            prop_oneof![-2_440_588..2_145_042_906, Just(i32::MAX), Just(i32::MIN)].prop_map(Value::Date).boxed()
        }
        Codec::Time => (0..=DAY_MICROS).prop_map(Value::Time).boxed(),
        Codec::Timestamp => moments().prop_map(Value::Timestamp).boxed(),
        Codec::Timestamptz => moments().prop_map(Value::Instant).boxed(),
        Codec::Uuid => any::<[u8; 16]>().prop_map(Value::Uuid).boxed(),
        Codec::OtherText(name) => {
            text().prop_map(move |text| Value::Other { type_name: name.to_string(), text }).boxed()
        }
    }
}

/// One value of every type, or NULL.
fn row() -> impl Strategy<Value = Vec<Value>> {
    all_codecs().into_iter().map(|codec| prop_oneof![1 => Just(Value::Null), 6 => native(codec)]).collect::<Vec<_>>()
}

fn encoded(codecs: &[Codec], rows: &[Vec<Value>]) -> Vec<u8> {
    let mut encoder = Encoder::new(codecs.to_vec());
    let mut stream = Vec::new();
    for row in rows {
        encoder.push_row(row.iter().map(Value::as_ref)).unwrap();
        stream.extend_from_slice(&encoder.take());
    }
    stream.extend_from_slice(&encoder.finish());
    stream
}

fn decoded<'c>(codecs: &[Codec], chunks: impl IntoIterator<Item = &'c [u8]>) -> Result<Vec<Vec<Value>>, String> {
    let mut batch = RowBatch::new(codecs.len());
    let mut decoder = Decoder::new(codecs.to_vec());
    for chunk in chunks {
        decoder.read_into(chunk, &mut batch).map_err(|error| error.to_string())?;
    }
    decoder.finish().map_err(|error| error.to_string())?;
    Ok(batch.rows().map(|row| row.iter().map(ValueRef::to_owned).collect()).collect())
}

/// The bytes of one field, without its length.
fn field_of(codec: Codec, value: ValueRef<'_>) -> Result<Vec<u8>, Refused> {
    let mut encoder = Encoder::new(vec![codec]);
    encoder.push_row([value]).map_err(|refused| refused.why)?;
    let bytes = encoder.take();
    let len = i32::from_be_bytes(bytes[HEADER_BYTES + 2..HEADER_BYTES + 6].try_into().unwrap());
    assert_eq!(len as usize, bytes.len() - HEADER_BYTES - 6);
    Ok(bytes[HEADER_BYTES + 6..].to_vec())
}

fn stream_of(field: &[u8]) -> Vec<u8> {
    let mut stream = Encoder::new(Vec::new()).take().to_vec();
    stream.extend_from_slice(&1_i16.to_be_bytes());
    stream.extend_from_slice(&(field.len() as i32).to_be_bytes());
    stream.extend_from_slice(field);
    stream.extend_from_slice(&(-1_i16).to_be_bytes());
    stream
}

fn value_of(codec: Codec, field: &[u8]) -> Option<Value> {
    let mut rows = decoded(&[codec], [stream_of(field).as_slice()]).ok()?;
    rows.pop()?.pop()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The bytes are what `select …_send(value)` of PostgreSQL 15 prints.
#[test]
fn fields_are_as_the_server_writes_them() {
    use ValueRef as V;
    for (codec, value, bytes) in [
        (Codec::Bool, V::Bool(true), "01"),
        (Codec::Int2, V::Int(-2), "fffe"),
        (Codec::Int4, V::Int(258), "00000102"),
        (Codec::Int8, V::Int(-1), "ffffffffffffffff"),
        (Codec::Oid, V::Int(4_294_967_295), "ffffffff"),
        (Codec::Float4, V::Real(0.1), "3dcccccd"),
        (Codec::Float8, V::Real(0.1), "3fb999999999999a"),
        (Codec::Numeric, V::Decimal("10.50"), "0002 0000 0000 0002 000a 1388"),
        (Codec::Numeric, V::Decimal("-12345.678"), "0003 0001 4000 0003 0001 0929 1a7c"),
        (Codec::Numeric, V::Decimal("0.00001"), "0001 fffe 0000 0005 03e8"),
        (Codec::Numeric, V::Decimal("0.000"), "0000 0000 0000 0003"),
        (Codec::Numeric, V::Decimal("10000"), "0001 0001 0000 0000 0001"),
        (Codec::Numeric, V::Decimal("NaN"), "0000 0000 c000 0000"),
        (Codec::Text, V::Text(b"ab"), "6162"),
        (Codec::Jsonb, V::Json("{}"), "01 7b7d"),
        (Codec::Bytea, V::Bytes(b"\0\xff"), "00ff"),
        (Codec::Date, V::Date(10_957), "00000000"),
        (Codec::Date, V::Date(i32::MAX), "7fffffff"),
        (Codec::Time, V::Time(DAY_MICROS), "000000141dd76000"),
        (Codec::Timestamp, V::Timestamp(946_684_800_000_001), "0000000000000001"),
        (Codec::Timestamptz, V::Instant(NEGATIVE_INFINITY), "8000000000000000"),
        (Codec::Uuid, V::Uuid(*b"0123456789abcdef"), "30313233343536373839616263646566"),
    ] {
        assert_eq!(field_of(codec.clone(), value), Ok(hex(bytes)), "{value:?}");
        assert_eq!(value_of(codec, &hex(bytes)), Some(value.to_owned()), "{bytes}");
    }
    // What the server sends of an infinity has a scale that means nothing.
    assert_eq!(value_of(Codec::Numeric, &hex("0000 0000 d000 0020")), Some(Value::Decimal("Infinity".to_owned())));
    assert_eq!(value_of(Codec::Numeric, &hex("0000 0000 f000 0020")), Some(Value::Decimal("-Infinity".to_owned())));
}

#[test]
fn numbers_keep_their_scale_in_any_notation() {
    for (written, read) in [
        ("1e3", "1000"),
        ("1.50e1", "15.0"),
        ("1.5E-3", "0.0015"),
        ("+007.10", "7.10"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-0.00", "0.00"),
        ("12e-6", "0.000012"),
        ("100000000", "100000000"),
        ("0e99999", "0"),
    ] {
        let field = field_of(Codec::Numeric, ValueRef::Decimal(written)).unwrap();
        assert_eq!(value_of(Codec::Numeric, &field), Some(Value::Decimal(read.to_owned())), "{written}");
    }
    let longest = format!("{}.{}", "9".repeat(131_072), "7".repeat(16_383));
    let field = field_of(Codec::Numeric, ValueRef::Decimal(&longest)).unwrap();
    assert!(value_of(Codec::Numeric, &field) == Some(Value::Decimal(longest)));
    let power = format!("1{}", "0".repeat(400));
    let field = field_of(Codec::Numeric, ValueRef::Decimal("1e400")).unwrap();
    assert_eq!(value_of(Codec::Numeric, &field), Some(Value::Decimal(power)));
    for beyond in ["1e131072", "1e-16384", "1e999999999999", "1e-999999999999", "0e-16384"] {
        assert_eq!(field_of(Codec::Numeric, ValueRef::Decimal(beyond)), Err(Refused::Range), "{beyond}");
    }
    for other in ["", "-", ".", "1e", "1e99999999999999999999", "nan", "1 ", "1,5", "٣", "e5"] {
        assert_eq!(field_of(Codec::Numeric, ValueRef::Decimal(other)), Err(Refused::NotANumber), "{other:?}");
    }
}

#[test]
fn values_of_other_kinds_are_taken_where_nothing_is_lost() {
    use ValueRef as V;
    for (codec, value, stored) in [
        (Codec::Numeric, V::Int(i64::MIN), Value::Decimal("-9223372036854775808".to_owned())),
        (Codec::Numeric, V::Real(10.5), Value::Decimal("10.5".to_owned())),
        (Codec::Numeric, V::Real(f64::NEG_INFINITY), Value::Decimal("-Infinity".to_owned())),
        (Codec::Float8, V::Int(1 << 53), Value::Real(9_007_199_254_740_992.0)),
        (Codec::Float4, V::Int(-7), Value::Real(-7.0)),
        (Codec::Text, V::Json("[1]"), Value::text("[1]")),
    ] {
        let field = field_of(codec.clone(), value).unwrap();
        assert_eq!(value_of(codec, &field), Some(stored));
    }
    for (codec, value, why) in [
        (Codec::Float8, V::Int((1 << 53) + 1), Refused::Inexact),
        (Codec::Float8, V::Int(i64::MAX), Refused::Inexact),
        (Codec::Float4, V::Real(f64::from(0.1_f32)), Refused::Inexact),
        (Codec::Float4, V::Real(1e39), Refused::Range),
        (Codec::Float4, V::Real(1e-60), Refused::Inexact),
        (Codec::Int2, V::Int(32_768), Refused::Range),
        (Codec::Oid, V::Int(-1), Refused::Range),
        (Codec::Date, V::Date(-2_440_589), Refused::Range),
        (Codec::Date, V::Date(2_145_042_906), Refused::Range),
        (Codec::Time, V::Time(DAY_MICROS + 1), Refused::Range),
        (Codec::Time, V::Time(-1), Refused::Range),
        (Codec::Timestamp, V::Timestamp(-210_866_803_200_000_001), Refused::Range),
        (Codec::Timestamp, V::Instant(0), Refused::Kind),
        (Codec::Bool, V::Int(1), Refused::Kind),
        (Codec::Text, V::Text(b"a\0b"), Refused::Nul),
        (Codec::Jsonb, V::Json("\0"), Refused::Nul),
        (Codec::Int8, V::Decimal("1"), Refused::Kind),
        (Codec::other("inet"), V::Text(b"::1"), Refused::Kind),
    ] {
        assert_eq!(field_of(codec, value), Err(why), "{value:?}");
    }
}

#[test]
fn timestamps_beyond_64_bits_travel_as_text() {
    for (codec, text) in [
        (Codec::Timestamp, "294276-12-31 23:59:59.999999"),
        (Codec::Timestamp, "294247-01-10 04:00:54.775807"),
        (Codec::Timestamptz, "294276-12-31 23:59:59.999999+00"),
    ] {
        let type_name = codec.type_name().to_owned();
        let value = Value::Other { type_name, text: text.to_owned() };
        let field = field_of(codec.clone(), value.as_ref()).unwrap();
        assert_eq!(value_of(codec, &field), Some(value));
    }
    let after = ValueRef::Other { type_name: "timestamp", text: "294277-01-01 00:00:00" };
    assert_eq!(field_of(Codec::Timestamp, after), Err(Refused::Range));
    assert_eq!(value_of(Codec::Timestamp, &9_223_371_331_200_000_000_i64.to_be_bytes()), None);
}

#[test]
fn a_refused_row_leaves_nothing_behind() {
    let codecs = [Codec::Int4, Codec::Int2];
    let mut encoder = Encoder::new(codecs.to_vec());
    encoder.push_row([ValueRef::Int(1), ValueRef::Int(2)]).unwrap();
    let refused = encoder.push_row([ValueRef::Int(3), ValueRef::Int(70_000)]).unwrap_err();
    assert_eq!((refused.column, refused.why), (1, Refused::Range));
    assert_eq!(refused.to_string(), "a value cannot be smallint: it is out of range");
    encoder.push_row([ValueRef::Int(5), ValueRef::Null]).unwrap();
    let rows = decoded(&codecs, [&encoder.finish()[..]]).unwrap();
    assert_eq!(rows, [[Value::Int(1), Value::Int(2)], [Value::Int(5), Value::Null]]);
}

#[test]
fn a_server_that_lies_is_not_believed() {
    let good = stream_of(&[0, 0, 0, 1]);
    let mut cases = vec![
        ("no signature", b"PGCOPY\r\n".to_vec()),
        ("nothing behind the header", good[..HEADER_BYTES].to_vec()),
        ("no end", good[..good.len() - 2].to_vec()),
        ("half an end", good[..good.len() - 1].to_vec()),
        ("more behind the end", [&good[..], &[0]].concat()),
    ];
    for (name, at, byte) in [
        ("a flag", SIGNATURE.len() + 1, 1),
        ("a long extension", SIGNATURE.len() + 4, 1),
        ("two fields", HEADER_BYTES + 1, 2),
        ("no field", HEADER_BYTES + 1, 0),
        ("minus two fields", HEADER_BYTES, 0xff),
        ("a length of 2 GB", HEADER_BYTES + 2, 0x7f),
        ("a length below -1", HEADER_BYTES + 2, 0xff),
        ("a length of 3", HEADER_BYTES + 5, 3),
    ] {
        let mut bad = good.clone();
        bad[at] = byte;
        cases.push((name, bad));
    }
    assert!(decoded(&[Codec::Int4], [&good[..]]).is_ok());
    for (name, stream) in cases {
        let error = decoded(&[Codec::Int4], [&stream[..]]).expect_err(name);
        assert!(error.contains("STORE_FAILED"), "{name}: {error}");
    }
    for (codec, field) in [
        (Codec::Bool, "02"),
        (Codec::Bool, ""),
        (Codec::Int4, "000102"),
        (Codec::Numeric, "0001 0000 0000 0000 2710"),
        (Codec::Numeric, "0002 0000 0000 0000 0001"),
        (Codec::Numeric, "0001 0000 8000 0000 0001"),
        (Codec::Numeric, "0001 0000 0000 4000 0001"),
        (Codec::Numeric, "0000"),
        (Codec::Json, "ff"),
        (Codec::Jsonb, "02 7b7d"),
        (Codec::Jsonb, ""),
        (Codec::Date, "7ffffffe"),
        (Codec::Time, "ffffffffffffffff"),
        (Codec::Timestamp, "7ffffffffffffffe"),
        (Codec::Uuid, "00"),
        (Codec::other("inet"), "61 00 62"),
    ] {
        assert_eq!(value_of(codec.clone(), &hex(field)), None, "{codec:?} {field}");
    }
}

proptest! {
    #[test]
    fn rows_come_back_as_they_went_whatever_the_chunks(rows in prop::collection::vec(row(), 0..4), size in 1..200_usize) {
        let codecs = all_codecs();
        let stream = encoded(&codecs, &rows);
        prop_assert_eq!(&decoded(&codecs, stream.chunks(size)), &Ok(rows.clone()));
        prop_assert_eq!(&decoded(&codecs, [&stream[..]]), &Ok(rows));
    }

    #[test]
    fn no_bytes_stop_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..120), at in 0..400_usize, size in 1..50_usize) {
        let codecs = all_codecs();
        let mut stream = encoded(&codecs, &[codecs.iter().map(|_| Value::Null).collect()]);
        stream.truncate(at.max(HEADER_BYTES));
        stream.extend_from_slice(&bytes);
        let _ = decoded(&codecs, stream.chunks(size));
        for codec in codecs {
            let _ = value_of(codec, &bytes);
        }
    }

    #[test]
    fn a_flipped_byte_stops_nothing(row in row(), at: prop::sample::Index, byte: u8, size in 1..99_usize) {
        let codecs = all_codecs();
        let mut stream = encoded(&codecs, &[row]);
        let at = at.index(stream.len());
        stream[at] = byte;
        let _ = decoded(&codecs, stream.chunks(size));
    }

    #[test]
    fn no_number_stops_the_encoder(text in "[-+]?[0-9]{0,9}\\.?[0-9]{0,9}([eE][-+]?[0-9]{1,6})?|\\PC{0,12}") {
        if let Ok(field) = field_of(Codec::Numeric, ValueRef::Decimal(&text)) {
            let Some(Value::Decimal(read)) = value_of(Codec::Numeric, &field) else { panic!("not read") };
            prop_assert_eq!(canonical(&read), canonical(&text));
        }
    }
}

fn canonical(digits: &str) -> Vec<u8> {
    let mut out = Vec::new();
    syncline_core::value::canonical::encode(ValueRef::Decimal(digits), &mut out);
    out
}
