use gateway_sdk::tool;

struct Shop;

impl Shop {
    /// A method.
    #[tool]
    fn sell(&self, what: String) -> String {
        what
    }
}

/// A generic function.
#[tool]
fn show<T>(what: T) -> String
where
    T: ToString,
{
    what.to_string()
}

/// Unsafe.
#[tool]
unsafe fn poke() {}

/// An unnamed type.
#[tool]
fn anything() -> impl ToString {
    1
}

/// Not a function.
#[tool]
struct Thing;

#[tool]
fn undocumented() {}

fn main() {}
