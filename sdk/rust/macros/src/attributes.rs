//! What stands between the parentheses of `#[tool(...)]`.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Ident, LitBool, LitStr, Token};

/// The longest name that MCP clients accept; the gateway puts the plugin's name before it.
const LONGEST_NAME: usize = 64;

const KNOWN: &str = "`name`, `title`, `read_only`, `destructive`, `idempotent` and `open_world`";

/// The arguments of the attribute.
pub(crate) struct Attributes {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
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
    syn::meta::parser(|meta| attributes.read(&meta, &mut seen)).parse2(arguments)?;
    if attributes.name.is_empty() {
        attributes.name = function.unraw().to_string();
        check_name(&attributes.name).map_err(|message| {
            syn::Error::new(function.span(), format!("{message}; give it another with `#[tool(name = \"...\")]`"))
        })?;
    }
    Ok(attributes)
}

impl Attributes {
    fn read(&mut self, meta: &ParseNestedMeta<'_>, seen: &mut Vec<String>) -> syn::Result<()> {
        let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        if seen.contains(&key) {
            return Err(meta.error(format!("`{key}` is given twice")));
        }
        match key.as_str() {
            "name" => self.name = name(meta)?,
            "title" => self.title = Some(meta.value()?.parse::<LitStr>()?.value()),
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

fn name(meta: &ParseNestedMeta<'_>) -> syn::Result<String> {
    let literal = meta.value()?.parse::<LitStr>()?;
    let name = literal.value();
    check_name(&name).map_err(|message| syn::Error::new(literal.span(), message))?;
    Ok(name)
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = (1..=LONGEST_NAME).contains(&name.len());
    if fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        Ok(())
    } else {
        Err(format!("a tool's name has 1 to {LONGEST_NAME} characters of A-Z, a-z, 0-9, `_` and `-`"))
    }
}
