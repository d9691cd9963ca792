use gateway_sdk::resource;

#[resource]
fn without_address() -> String {
    String::new()
}

#[resource(uri = "notes:///{id}")]
fn variable_in_address() -> String {
    String::new()
}

#[resource(uri = "index")]
fn no_scheme() -> String {
    String::new()
}

#[resource(uri = "notes:///a", template = "notes:///{id}")]
fn both(id: String) -> String {
    id
}

#[resource(uri = "notes:///a")]
fn takes_something(id: String) -> String {
    id
}

#[resource(template = "notes:///{id}/{name}")]
fn misses_one(id: String, other: String, name: Option<String>) -> String {
    id
}

#[resource(template = "notes:///{?query}")]
fn query(query: String) -> String {
    query
}

#[resource(template = "notes:///{id}", mime = "text/plain")]
fn unknown_key(id: &str) -> String {
    id.to_owned()
}

#[resource(uri = "notes:///b")]
fn number() -> u32 {
    1
}

#[resource(template = "notes:///list/{items}")]
fn list(items: Vec<String>) -> String {
    items.join(",")
}

#[resource(uri = "notes:///c")]
struct Notes;

gateway_sdk::export! {
    resources: [without_address, variable_in_address, no_scheme, both, takes_something, misses_one, query, unknown_key,
        number, list],
}

fn main() {}
