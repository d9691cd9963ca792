use gateway_sdk::resource;

#[resource(uri = "notes:///a")]
fn one() -> String {
    String::new()
}

#[resource(uri = "notes:///a")]
fn two() -> String {
    String::new()
}

gateway_sdk::export! { resources: [one, two] }

fn main() {}
