//! What stands between the parentheses of an attribute.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Ident, LitBool, LitStr, Token};

use crate::kind::Kind;

/// The longest name that MCP clients accept; the gateway puts the plugin's name before it.
const LONGEST_NAME: usize = 64;

const KNOWN: &str = "`name`, `title`, `read_only`, `destructive`, `idempotent` and `open_world`";

/// The arguments of `#[tool(...)]`.
pub(crate) struct Attributes {
    pub(crate) name: String,
    pub(crate) title: Option<LitStr>,
    pub(crate) read_only: Option<bool>,
    pub(crate) destructive: Option<bool>,
    pub(crate) idempotent: Option<bool>,
    pub(crate) open_world: Option<bool>,
}

/// Reads the arguments; the tool is called like the function where they do not say otherwise.
pub(crate) fn parse(arguments: TokenStream, function: &Ident) -> syn::Result<Attributes> {
    let mut attributes = Attributes {
        name: String::new(),
        title: None,
        read_only: None,
        destructive: None,
        idempotent: None,
        open_world: None,
    };
    let mut seen: Vec<String> = Vec::new();
    syn::meta::parser(|meta| attributes.read(&meta, function, &mut seen)).parse2(arguments)?;
    if attributes.name.is_empty() {
        attributes.name = name_of(None, function, Kind::Tool)?;
    }
    Ok(attributes)
}

/// The name that is given, else that of the function.
pub(crate) fn name_of(given: Option<&LitStr>, function: &Ident, kind: Kind) -> syn::Result<String> {
    if let Some(literal) = given {
        let name = literal.value();
        return check_name(&name, kind).map(|()| name).map_err(|message| syn::Error::new(literal.span(), message));
    }
    let name = function.unraw().to_string();
    check_name(&name, kind).map(|()| name).map_err(|message| {
        let message = format!("{message}; give it another with `#[{}(name = \"...\")]`", kind.word());
        syn::Error::new(function.span(), message)
    })
}

/// The arguments of an attribute whose values are all texts.
pub(crate) struct Given(Vec<(&'static str, LitStr)>);

impl Given {
    /// Reads the arguments, of which there may be those in `known`.
    pub(crate) fn parse(arguments: TokenStream, kind: Kind, known: &[&'static str]) -> syn::Result<Self> {
        let mut given: Vec<(&'static str, LitStr)> = Vec::new();
        let read = |meta: ParseNestedMeta<'_>| {
            let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            let Some(key) = known.iter().find(|known| **known == key) else {
                let known: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
                return Err(meta.error(format!("unknown key: #[{}] knows {}", kind.word(), known.join(", "))));
            };
            if given.iter().any(|(other, _)| other == key) {
                return Err(meta.error(format!("`{key}` is given twice")));
            }
            given.push((key, meta.value()?.parse()?));
            Ok(())
        };
        syn::meta::parser(read).parse2(arguments)?;
        Ok(Self(given))
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&LitStr> {
        self.0.iter().find(|(other, _)| *other == key).map(|(_, value)| value)
    }
}

impl Attributes {
    fn read(&mut self, meta: &ParseNestedMeta<'_>, function: &Ident, seen: &mut Vec<String>) -> syn::Result<()> {
        let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        if seen.contains(&key) {
            return Err(meta.error(format!("`{key}` is given twice")));
        }
        match key.as_str() {
            "name" => self.name = name_of(Some(&meta.value()?.parse()?), function, Kind::Tool)?,
            "title" => self.title = Some(meta.value()?.parse()?),
            "read_only" => self.read_only = Some(flag(meta)?),
            "destructive" => self.destructive = Some(flag(meta)?),
            "idempotent" => self.idempotent = Some(flag(meta)?),
            "open_world" => self.open_world = Some(flag(meta)?),
            "description" => {
                return Err(meta.error("the description is the function's doc comment: write it there, as `/// ...`"));
            }
            _ => return Err(meta.error(format!("unknown key: #[tool] knows {KNOWN}"))),
        }
        if self.read_only == Some(true) && self.destructive == Some(true) {
            return Err(meta.error("a tool that is `read_only` cannot be `destructive`: leave one of them out"));
        }
        seen.push(key);
        Ok(())
    }
}

/// `key` alone means true.
fn flag(meta: &ParseNestedMeta<'_>) -> syn::Result<bool> {
    if meta.input.peek(Token![=]) { Ok(meta.value()?.parse::<LitBool>()?.value) } else { Ok(true) }
}

fn check_name(name: &str, kind: Kind) -> Result<(), String> {
    let fits = (1..=LONGEST_NAME).contains(&name.len());
    if fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        Ok(())
    } else {
        let word = kind.word();
        Err(format!("a {word}'s name has 1 to {LONGEST_NAME} characters of A-Z, a-z, 0-9, `_` and `-`"))
    }
}
