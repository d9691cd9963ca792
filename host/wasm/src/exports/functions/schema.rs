//! From the types of functions to the schemas of tools (JSON Schema 2020-12).
//!
//! Schemas have no references: a type stands wherever it is used, since many clients read no further. What a plugin's
//! schemas may take is limited for this reason.

use serde_json::{Map, Value, json};
use wasmtime::component::{Type, types::ComponentFunc};

use super::docs::{self, Docs, TypeDocs};
use crate::bindings::types::ToolDefinition;

type Schema = Map<String, Value>;

/// Why a function is no tool.
type Unfit = &'static str;

/// Makes the schemas of one component.
pub(super) struct Schemas<'a> {
    docs: &'a Docs,
    /// Bytes that are left for all, and for the function at hand.
    left: usize,
    left_for_one: usize,
    way: Way,
}

/// Whether values of the type come from the model or go to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// What all schemas of a component, and those of one function, may take, in bytes.
const MAXIMUM: usize = 4 * 1024 * 1024;
const MAXIMUM_OF_ONE: usize = 256 * 1024;

/// How deep types may nest: each level takes up to four of the schema, of which JSON is read to 128.
const DEPTH: usize = 24;

/// What a schema takes apart from names and documentation.
const NODE: usize = 48;

/// What is said of floating-point numbers that JSON has no numbers for.
pub(super) const NO_NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

impl<'a> Schemas<'a> {
    pub(super) fn new(docs: &'a Docs) -> Self {
        Self { docs, left: MAXIMUM, left_for_one: 0, way: Way::In }
    }

    /// The tool that a function is, by its own name.
    pub(super) fn tool(
        &mut self,
        interface: Option<&str>,
        name: &str,
        ty: &ComponentFunc,
    ) -> Result<ToolDefinition, Unfit> {
        if ty.async_() {
            return Err("it is asynchronous");
        }
        self.left_for_one = MAXIMUM_OF_ONE;
        let docs = self.docs.function(interface, name);
        self.spend(2 * NODE + name.len() + docs.map_or(0, str::len))?;
        self.way = Way::In;
        let said = |name: &str| docs.and_then(|docs| docs::parameter(docs, name)).map(ToOwned::to_owned);
        let input = self.object(ty.params(), said, 0)?;
        self.way = Way::Out;
        let output = ty.results().next().map(|ty| self.output(&ty)).transpose()?.flatten();
        Ok(ToolDefinition {
            name: name.to_owned(),
            title: None,
            description: docs.map(ToOwned::to_owned),
            input_schema: Value::Object(input).to_string(),
            output_schema: output.map(|output| Value::Object(output).to_string()),
            annotations: None,
        })
    }

    /// The schema of what a function returns, as structured content; none where it is text or nothing.
    fn output(&mut self, ty: &Type) -> Result<Option<Schema>, Unfit> {
        let ty = match ty {
            Type::Result(result) => {
                // An error has no schema, and still has to be one that can be shown.
                result.err().map(|ty| self.schema(&ty, 0)).transpose()?;
                match result.ok() {
                    Some(ty) => ty,
                    None => return Ok(None),
                }
            }
            ty => ty.clone(),
        };
        Ok(match &ty {
            Type::String => None,
            Type::Record(_) => Some(self.schema(&ty, 0)?),
            _ => Some(tagged("result", self.schema(&ty, 0)?)),
        })
    }

    fn schema(&mut self, ty: &Type, depth: usize) -> Result<Schema, Unfit> {
        self.spend(NODE)?;
        if depth > DEPTH {
            return Err("its types nest too deep");
        }
        let mut schema = match scalar(ty, self.way) {
            Some(schema) => schema,
            None => self.compound(ty, depth + 1)?,
        };
        let docs = self.docs.of_type(ty);
        self.describe(&mut schema, docs.and_then(|docs| said_of_type(ty, docs)))?;
        Ok(schema)
    }

    /// The schema of a type that has others inside, or names.
    fn compound(&mut self, ty: &Type, depth: usize) -> Result<Schema, Unfit> {
        Ok(match ty {
            Type::List(list) => of(json!({ "type": "array", "items": self.schema(&list.ty(), depth)? })),
            Type::Tuple(tuple) => self.tuple(tuple.types(), depth)?,
            Type::Record(record) => {
                let docs = self.docs.of_type(ty);
                let said = |name: &str| docs.and_then(|docs| docs.items.get(name)).cloned();
                self.object(record.fields().map(|field| (field.name, field.ty)), said, depth)?
            }
            Type::Variant(variant) => {
                let docs = self.docs.of_type(ty).cloned().unwrap_or_default();
                self.variant(variant.cases().map(|case| (case.name, case.ty)), &docs, depth)?
            }
            Type::Result(result) => {
                let cases = [("ok", result.ok()), ("error", result.err())];
                let cases = cases.into_iter().map(|(name, ty)| {
                    let value = ty.map_or(Ok(of(json!({ "type": "null" }))), |ty| self.schema(&ty, depth));
                    Ok(tagged(name, value?))
                });
                one_of(cases.collect::<Result<_, Unfit>>()?)
            }
            Type::Option(option) => {
                let inner = option.ty();
                let schema = self.schema(&inner, depth)?;
                nullable(if matches!(inner, Type::Option(_)) { tagged("some", schema) } else { schema })
            }
            Type::Enum(names) => self.names(names.names())?,
            Type::Flags(flags) => {
                let items = self.names(flags.names())?;
                of(json!({ "type": "array", "items": items, "uniqueItems": true }))
            }
            Type::Own(_) | Type::Borrow(_) => return Err("it takes or returns a resource"),
            Type::Future(_) => return Err("it takes or returns a future"),
            Type::Stream(_) => return Err("it takes or returns a stream"),
            Type::ErrorContext => return Err("it takes or returns an error context"),
            Type::Map(_) => return Err("it takes or returns a map"),
            Type::FixedLengthList(_) => return Err("it takes or returns a list of fixed length"),
            _ => return Err("it takes or returns what is unknown"),
        })
    }

    /// Members by name: those of a record, or parameters. `said` is what is said of one.
    fn object<'t>(
        &mut self,
        members: impl Iterator<Item = (&'t str, Type)>,
        said: impl Fn(&str) -> Option<String>,
        depth: usize,
    ) -> Result<Schema, Unfit> {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (name, ty) in members {
            self.spend(2 * name.len())?;
            let mut schema = self.schema(&ty, depth)?;
            self.describe(&mut schema, said(name))?;
            properties.insert(name.to_owned(), schema.into());
            if !matches!(ty, Type::Option(_)) {
                required.push(name);
            }
        }
        let mut schema = of(json!({ "type": "object", "properties": properties }));
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        schema.insert("additionalProperties".to_owned(), false.into());
        Ok(schema)
    }

    fn tuple(&mut self, types: impl ExactSizeIterator<Item = Type>, depth: usize) -> Result<Schema, Unfit> {
        let length = types.len();
        let items = types.map(|ty| self.schema(&ty, depth)).collect::<Result<Vec<_>, _>>()?;
        Ok(of(json!({ "type": "array", "prefixItems": items, "minItems": length, "maxItems": length })))
    }

    fn variant<'t>(
        &mut self,
        cases: impl Iterator<Item = (&'t str, Option<Type>)>,
        docs: &TypeDocs,
        depth: usize,
    ) -> Result<Schema, Unfit> {
        let (mut bare, mut schemas) = (Vec::new(), Vec::new());
        for (name, ty) in cases {
            let Some(ty) = ty else {
                bare.push(name);
                continue;
            };
            self.spend(NODE + 2 * name.len())?;
            let mut schema = tagged(name, self.schema(&ty, depth)?);
            self.describe(&mut schema, docs.items.get(name).cloned())?;
            schemas.push(schema);
        }
        if !bare.is_empty() {
            let said = list_of_names(bare.iter().copied(), docs);
            let mut schema = self.names(bare.into_iter())?;
            self.describe(&mut schema, said)?;
            schemas.insert(0, schema);
        }
        Ok(one_of(schemas))
    }

    fn names<'t>(&mut self, names: impl Iterator<Item = &'t str>) -> Result<Schema, Unfit> {
        let names: Vec<&str> = names.collect();
        self.spend(names.iter().map(|name| name.len() + 3).sum())?;
        Ok(of(json!({ "type": "string", "enum": names })))
    }

    /// Puts a description in place of the one that is there, if there is something to say.
    fn describe(&mut self, schema: &mut Schema, said: Option<String>) -> Result<(), Unfit> {
        let Some(said) = said.filter(|said| !said.trim().is_empty()) else { return Ok(()) };
        self.spend(said.len())?;
        schema.insert("description".to_owned(), said.into());
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Unfit> {
        let left = |left: usize| left.checked_sub(bytes);
        let (Some(all), Some(one)) = (left(self.left), left(self.left_for_one)) else {
            return Err("the schema of its types is too large");
        };
        (self.left, self.left_for_one) = (all, one);
        Ok(())
    }
}

/// Whether values of the type are or hold bytes. Only what [`Schemas`] made a schema of is asked about.
pub(super) fn has_bytes(ty: &Type) -> bool {
    match ty {
        Type::List(list) => list.ty() == Type::U8 || has_bytes(&list.ty()),
        Type::Tuple(tuple) => tuple.types().any(|ty| has_bytes(&ty)),
        Type::Record(record) => record.fields().any(|field| has_bytes(&field.ty)),
        Type::Variant(variant) => variant.cases().any(|case| case.ty.is_some_and(|ty| has_bytes(&ty))),
        Type::Result(result) => [result.ok(), result.err()].iter().flatten().any(has_bytes),
        Type::Option(option) => has_bytes(&option.ty()),
        _ => false,
    }
}

/// What is said of a type as a whole: of names without a schema of their own here too.
fn said_of_type(ty: &Type, docs: &TypeDocs) -> Option<String> {
    let names = match ty {
        Type::Enum(names) => list_of_names(names.names(), docs),
        Type::Flags(flags) => list_of_names(flags.names(), docs),
        _ => None,
    };
    match (docs.docs.clone(), names) {
        (Some(docs), Some(names)) => Some(format!("{docs}\n{names}")),
        (docs, names) => docs.or(names),
    }
}

/// A line for each name that something is said of.
fn list_of_names<'t>(names: impl Iterator<Item = &'t str>, docs: &TypeDocs) -> Option<String> {
    let lines = names.filter_map(|name| Some(format!("`{name}`: {}", docs.items.get(name)?)));
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The schema of a type without others inside.
fn scalar(ty: &Type, way: Way) -> Option<Schema> {
    Some(match ty {
        Type::Bool => of(json!({ "type": "boolean" })),
        Type::S8 => integer(i8::MIN, i8::MAX),
        Type::U8 => integer(u8::MIN, u8::MAX),
        Type::S16 => integer(i16::MIN, i16::MAX),
        Type::U16 => integer(u16::MIN, u16::MAX),
        Type::S32 => integer(i32::MIN, i32::MAX),
        Type::U32 => integer(u32::MIN, u32::MAX),
        Type::S64 => integer(i64::MIN, i64::MAX),
        Type::U64 => integer(u64::MIN, u64::MAX),
        Type::Float32 | Type::Float64 if way == Way::In => of(json!({ "type": "number" })),
        Type::Float32 | Type::Float64 => of(json!({ "anyOf": [{ "type": "number" }, { "enum": NO_NUMBERS }] })),
        Type::Char => of(json!({ "type": "string", "minLength": 1, "maxLength": 1 })),
        Type::String => of(json!({ "type": "string" })),
        Type::List(list) if list.ty() == Type::U8 => of(json!({ "type": "string", "contentEncoding": "base64" })),
        _ => return None,
    })
}

fn of(schema: Value) -> Schema {
    match schema {
        Value::Object(schema) => schema,
        _ => Schema::new(),
    }
}

fn integer(minimum: impl Into<Value>, maximum: impl Into<Value>) -> Schema {
    of(json!({ "type": "integer", "minimum": minimum.into(), "maximum": maximum.into() }))
}

/// An object with this one member.
fn tagged(name: &str, value: Schema) -> Schema {
    let properties = Map::from_iter([(name.to_owned(), Value::Object(value))]);
    of(json!({ "type": "object", "properties": properties, "required": [name], "additionalProperties": false }))
}

fn one_of(mut schemas: Vec<Schema>) -> Schema {
    match schemas.len() {
        1 => schemas.remove(0),
        _ => of(json!({ "oneOf": schemas })),
    }
}

/// The same, or `null`.
fn nullable(mut schema: Schema) -> Schema {
    if let Some(Value::String(kind)) = schema.get("type") {
        let kinds = json!([kind, "null"]);
        schema.insert("type".to_owned(), kinds);
        if let Some(Value::Array(names)) = schema.get_mut("enum") {
            names.push(Value::Null);
        }
        return schema;
    }
    let description = schema.remove("description");
    let mut either = of(json!({ "anyOf": [schema, { "type": "null" }] }));
    either.extend(description.map(|description| ("description".to_owned(), description)));
    either
}
