use gateway_sdk::tool;

/// An unknown key.
#[tool(readonly)]
fn unknown() {}

/// The description is the doc comment.
#[tool(description = "text")]
fn described() {}

/// Twice.
#[tool(title = "a", title = "b")]
fn twice() {}

/// Not a name for a tool.
#[tool(name = "with space")]
fn spaced() {}

/// Not a name for a tool either.
#[tool]
fn größe() {}

/// Contradicts itself.
#[tool(read_only, destructive)]
fn contradiction() {}

fn main() {}
