gateway_sdk::export!(1 + 1);

fn main() {}
