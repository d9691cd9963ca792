//! From JSON to the values that a function takes.
//!
//! The arguments were held against the tool's schema before; what a schema does not say is found here: base64, whole
//! numbers written as fractions, numbers beyond the range of `f32`.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use gateway_core::payload::Json;
use serde_json::{Map, Value};
use wasmtime::component::{Type, Val, types::ComponentFunc};

/// Whole numbers up to here are exact as `f64`, which is how a number with a point or an exponent is read.
const EXACT: f64 = 9_007_199_254_740_992.0;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong, and where: the names and numbers on the way there, the innermost first.
#[derive(Debug)]
struct Mistake {
    path: Vec<String>,
    what: String,
}

/// The arguments of a call, in the order of the parameters.
pub(super) fn read(ty: &ComponentFunc, arguments: &Json) -> Result<Vec<Val>, String> {
    let mut members: Map<String, Value> = arguments.to().map_err(|error| error.to_string())?;
    let values = ty.params().map(|(name, ty)| member(name, &ty, &mut members));
    values.collect::<Result<_, _>>().map_err(|mistake: Mistake| {
        let path: Vec<String> = mistake.path.into_iter().rev().collect();
        format!("argument {:?}: {}", path.join("/"), mistake.what)
    })
}

/// The member of an object: an option may be missing.
fn member(name: &str, ty: &Type, members: &mut Map<String, Value>) -> Result<Val, Mistake> {
    let value = match (members.remove(name), ty) {
        (Some(value), _) => value,
        (None, Type::Option(_)) => Value::Null,
        (None, _) => return Err(mistake("it is missing").within(name)),
    };
    val(ty, value).map_err(|mistake| mistake.within(name))
}

fn val(ty: &Type, value: Value) -> Result<Val, Mistake> {
    Ok(match (ty, value) {
        (Type::Bool, Value::Bool(value)) => Val::Bool(value),
        (Type::S8, value) => Val::S8(integer(&value)?),
        (Type::U8, value) => Val::U8(integer(&value)?),
        (Type::S16, value) => Val::S16(integer(&value)?),
        (Type::U16, value) => Val::U16(integer(&value)?),
        (Type::S32, value) => Val::S32(integer(&value)?),
        (Type::U32, value) => Val::U32(integer(&value)?),
        (Type::S64, value) => Val::S64(integer(&value)?),
        (Type::U64, value) => Val::U64(integer(&value)?),
        (Type::Float32, value) => Val::Float32(float32(&value)?),
        (Type::Float64, value) => Val::Float64(value.as_f64().ok_or_else(|| mistake("it is no number"))?),
        (Type::Char, Value::String(text)) => {
            let mut characters = text.chars();
            let (Some(character), None) = (characters.next(), characters.next()) else {
                return Err(mistake("it is not one character"));
            };
            Val::Char(character)
        }
        (Type::String, Value::String(text)) => Val::String(text),
        (Type::List(list), Value::String(text)) if list.ty() == Type::U8 => bytes(&text)?,
        (Type::List(list), Value::Array(items)) if list.ty() != Type::U8 => Val::List(each(&list.ty(), items)?),
        (Type::Tuple(tuple), Value::Array(items)) if tuple.types().len() == items.len() => {
            let values = tuple.types().zip(items).enumerate();
            let values =
                values.map(|(at, (ty, item))| val(&ty, item).map_err(|mistake| mistake.within(&at.to_string())));
            Val::Tuple(values.collect::<Result<_, _>>()?)
        }
        (Type::Record(record), Value::Object(mut members)) => {
            let fields = record.fields().map(|field| {
                let value = member(field.name, &field.ty, &mut members)?;
                Ok((field.name.to_owned(), value))
            });
            Val::Record(fields.collect::<Result<_, _>>()?)
        }
        (Type::Option(_), Value::Null) => Val::Option(None),
        (Type::Option(option), value) => some(&option.ty(), value)?,
        (Type::Enum(names), Value::String(name)) if names.names().any(|known| known == name) => Val::Enum(name),
        (Type::Flags(flags), Value::Array(items)) => {
            flag_names(items, |name| flags.names().any(|known| known == name))?
        }
        (Type::Variant(variant), value) => case(variant.cases().map(|case| (case.name, case.ty)), value)?,
        (Type::Result(result), value) => either(result.ok(), result.err(), value)?,
        (ty, _) => return Err(mistake(&format!("it is no {}", described(ty)))),
    })
}

/// An option inside of an option is in an object, so that none and some of none differ.
fn some(ty: &Type, value: Value) -> Result<Val, Mistake> {
    let value = match (ty, value) {
        (Type::Option(_), Value::Object(mut members)) => {
            members.remove("some").ok_or_else(|| mistake("it has no member \"some\""))?
        }
        (Type::Option(_), _) => return Err(mistake("it is neither null nor {\"some\": …}")),
        (_, value) => value,
    };
    Ok(Val::Option(Some(Box::new(val(ty, value)?))))
}

fn each(ty: &Type, items: Vec<Value>) -> Result<Vec<Val>, Mistake> {
    let values = items.into_iter().enumerate();
    values.map(|(at, item)| val(ty, item).map_err(|mistake| mistake.within(&at.to_string()))).collect()
}

fn flag_names(items: Vec<Value>, is_known: impl Fn(&str) -> bool) -> Result<Val, Mistake> {
    let name = |item| match item {
        Value::String(name) if is_known(&name) => Ok(name),
        _ => Err(mistake("it names no flag")),
    };
    Ok(Val::Flags(items.into_iter().map(name).collect::<Result<_, _>>()?))
}

fn case<'t>(mut cases: impl Iterator<Item = (&'t str, Option<Type>)>, value: Value) -> Result<Val, Mistake> {
    let (name, value) = match value {
        Value::String(name) => (name, None),
        Value::Object(members) if members.len() == 1 => {
            let (name, value) = members.into_iter().next().unwrap_or_default();
            (name, Some(value))
        }
        _ => return Err(mistake("it is neither the name of a case nor an object with one")),
    };
    let (_, ty) = cases.find(|(known, _)| *known == name).ok_or_else(|| mistake("it names no case"))?;
    let value = match (ty, value) {
        (Some(ty), Some(value)) => Some(Box::new(val(&ty, value).map_err(|mistake| mistake.within(&name))?)),
        (None, None) => None,
        (Some(_), None) => return Err(mistake("this case has a value")),
        (None, Some(_)) => return Err(mistake("this case has no value")),
    };
    Ok(Val::Variant(name, value))
}

fn either(ok: Option<Type>, error: Option<Type>, value: Value) -> Result<Val, Mistake> {
    let Value::Object(mut members) = value else {
        return Err(mistake("it is neither {\"ok\": …} nor {\"error\": …}"));
    };
    let inner = |name: &str, ty: Option<Type>, value: Value| match (ty, value) {
        (Some(ty), value) => val(&ty, value).map(|value| Some(Box::new(value))).map_err(|mistake| mistake.within(name)),
        (None, Value::Null) => Ok(None),
        (None, _) => Err(mistake("it is not null").within(name)),
    };
    match (members.remove("ok"), members.remove("error")) {
        (Some(value), None) => Ok(Val::Result(Ok(inner("ok", ok, value)?))),
        (None, Some(value)) => Ok(Val::Result(Err(inner("error", error, value)?))),
        _ => Err(mistake("it is neither {\"ok\": …} nor {\"error\": …}")),
    }
}

fn integer<T: TryFrom<i128>>(value: &Value) -> Result<T, Mistake> {
    let exact = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    let number = match (exact, value.as_f64()) {
        (Some(number), _) => number,
        (None, Some(number)) if number.fract() == 0.0 && number.abs() <= EXACT => number as i128,
        _ => return Err(mistake("it is no whole number, or not written as one")),
    };
    T::try_from(number).map_err(|_| mistake("it is out of range"))
}

fn float32(value: &Value) -> Result<f32, Mistake> {
    let number = value.as_f64().ok_or_else(|| mistake("it is no number"))? as f32;
    if number.is_finite() { Ok(number) } else { Err(mistake("it is out of range")) }
}

fn bytes(text: &str) -> Result<Val, Mistake> {
    let bytes = BASE64.decode(text).map_err(|error| mistake(&format!("it is no base64: {error}")))?;
    Ok(Val::List(bytes.into_iter().map(Val::U8).collect()))
}

fn described(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "boolean",
        Type::Char | Type::String => "text",
        Type::List(list) if list.ty() == Type::U8 => "text in base64",
        Type::List(_) | Type::Flags(_) => "array",
        Type::Tuple(_) => "array of the right length",
        Type::Record(_) => "object",
        Type::Enum(_) => "name that it could be",
        _ => "value of its type",
    }
}

fn mistake(what: &str) -> Mistake {
    Mistake { path: Vec::new(), what: what.to_owned() }
}

impl Mistake {
    fn within(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }
}
