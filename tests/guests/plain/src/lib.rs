//! Exports plain functions, of which the gateway makes tools by their WIT types.

wit_bindgen::generate!({ path: "wit", world: "plain" });

struct Plugin;

impl Guest for Plugin {
    fn add(a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }

    fn greet(name: Option<String>) -> String {
        format!("hello, {}", name.as_deref().unwrap_or("whoever you are"))
    }

    fn total(points: Vec<Point>, unit: Unit) -> Point {
        let factor = if unit == Unit::Foot { 3 } else { 1 };
        let sum = |of: fn(&Point) -> i32| points.iter().map(of).sum::<i32>() * factor;
        Point { x: sum(|point| point.x), y: sum(|point| point.y) }
    }

    fn divide(a: f64, b: f64) -> Result<f64, String> {
        if b == 0.0 { Err("division by zero".to_owned()) } else { Ok(a / b) }
    }
}

export!(Plugin);
