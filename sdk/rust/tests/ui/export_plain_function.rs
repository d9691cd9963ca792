fn add(a: f64, b: f64) -> f64 {
    a + b
}

gateway_sdk::export!(add);

fn main() {}
