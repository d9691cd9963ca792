//! From what a function returned to the result of a tool.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Number, Value};
use wasmtime::component::{Type, Val};

use super::schema::NO_NUMBERS;
use crate::bindings::types::{Content, TextContent, ToolResult};

/// Whole numbers up to here are written without a point, as `f64` holds them exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The result of a function that returned this, or nothing.
pub(super) fn written(returned: Option<(&Type, &Val)>) -> ToolResult {
    match returned {
        None => nothing(),
        Some((Type::Result(ty), Val::Result(Ok(val)))) => match (ty.ok(), val) {
            (Some(ty), Some(val)) => success(&ty, val),
            _ => nothing(),
        },
        Some((Type::Result(ty), Val::Result(Err(val)))) => match (ty.err(), val) {
            (Some(ty), Some(val)) => failure(&ty, val),
            _ => ToolResult { is_error: true, ..text("the function returned an error without a reason".to_owned()) },
        },
        Some((ty, val)) => success(ty, val),
    }
}

fn nothing() -> ToolResult {
    ToolResult { content: Vec::new(), structured: None, is_error: false }
}

/// Text is content as it is; everything else is JSON, and structured content, which has to be an object.
fn success(ty: &Type, val: &Val) -> ToolResult {
    let value = value(ty, val);
    match (ty, value) {
        (Type::String, Value::String(said)) => text(said),
        (Type::Record(_), value) => {
            let json = value.to_string();
            ToolResult { structured: Some(json.clone()), ..text(json) }
        }
        (_, value) => ToolResult { structured: Some(member("result", &value)), ..text(spoken(value)) },
    }
}

fn failure(ty: &Type, val: &Val) -> ToolResult {
    let value = value(ty, val);
    let structured = (*ty != Type::String).then(|| member("error", &value));
    ToolResult { structured, is_error: true, ..text(spoken(value)) }
}

fn text(text: String) -> ToolResult {
    let content = Content::Text(TextContent { text, annotations: None });
    ToolResult { content: vec![content], structured: None, is_error: false }
}

fn spoken(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}

fn member(name: &str, value: &Value) -> String {
    format!("{{\"{name}\":{value}}}")
}

/// A value as JSON. What does not fit its type cannot be: the engine made it by that type.
fn value(ty: &Type, val: &Val) -> Value {
    match (ty, val) {
        (Type::List(list), Val::List(items)) if list.ty() == Type::U8 => {
            let bytes: Vec<u8> = items.iter().map(|item| if let Val::U8(byte) = item { *byte } else { 0 }).collect();
            BASE64.encode(bytes).into()
        }
        (Type::List(list), Val::List(items)) => {
            let ty = list.ty();
            items.iter().map(|item| value(&ty, item)).collect()
        }
        (Type::Tuple(tuple), Val::Tuple(items)) => {
            tuple.types().zip(items).map(|(ty, item)| value(&ty, item)).collect()
        }
        (Type::Record(record), Val::Record(fields)) => {
            let fields = record.fields().zip(fields);
            fields.map(|(field, (name, val))| (name.clone(), value(&field.ty, val))).collect::<Map<_, _>>().into()
        }
        (Type::Variant(variant), Val::Variant(name, inner)) => {
            let ty = variant.cases().find(|case| case.name == name).and_then(|case| case.ty);
            match ty.zip(inner.as_deref()) {
                Some((ty, inner)) => tagged(name, value(&ty, inner)),
                None => name.as_str().into(),
            }
        }
        (Type::Option(option), Val::Option(Some(inner))) => {
            let ty = option.ty();
            let inner = value(&ty, inner);
            if matches!(ty, Type::Option(_)) { tagged("some", inner) } else { inner }
        }
        (Type::Result(result), Val::Result(either)) => {
            let (name, ty, inner) = match either {
                Ok(inner) => ("ok", result.ok(), inner),
                Err(inner) => ("error", result.err(), inner),
            };
            tagged(name, ty.zip(inner.as_deref()).map_or(Value::Null, |(ty, inner)| value(&ty, inner)))
        }
        (_, val) => scalar(val),
    }
}

/// A value without others inside.
fn scalar(val: &Val) -> Value {
    match val {
        Val::Bool(value) => (*value).into(),
        Val::S8(value) => (*value).into(),
        Val::U8(value) => (*value).into(),
        Val::S16(value) => (*value).into(),
        Val::U16(value) => (*value).into(),
        Val::S32(value) => (*value).into(),
        Val::U32(value) => (*value).into(),
        Val::S64(value) => (*value).into(),
        Val::U64(value) => (*value).into(),
        Val::Float32(value) => float32(*value),
        Val::Float64(value) => float64(*value),
        Val::Char(value) => value.to_string().into(),
        Val::String(value) | Val::Enum(value) => value.as_str().into(),
        Val::Flags(names) => names.iter().map(String::as_str).collect(),
        _ => Value::Null,
    }
}

fn tagged(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

/// With the digits of `f32`: as `f64`, 0.1 would be 0.10000000149011612.
fn float32(value: f32) -> Value {
    float64(if value.is_finite() { value.to_string().parse().unwrap_or_default() } else { value.into() })
}

fn float64(value: f64) -> Value {
    let [nan, infinity, minus_infinity] = NO_NUMBERS;
    match value {
        value if value.is_nan() => nan.into(),
        f64::INFINITY => infinity.into(),
        f64::NEG_INFINITY => minus_infinity.into(),
        // Zero below zero needs its point to be that.
        value if value.fract() == 0.0 && value.abs() <= EXACT && (value != 0.0 || value.is_sign_positive()) => {
            (value as i64).into()
        }
        value => Number::from_f64(value).map_or(Value::Null, Value::Number),
    }
}
