gateway_sdk::export!();

fn main() {}
