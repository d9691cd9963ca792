//! Arithmetic for models that cannot do it in their heads. Numbers are 64-bit floating point.

mod evaluate;
mod functions;
mod lexer;

use gateway_sdk::tool;

/// Add two numbers.
#[tool(read_only, idempotent, open_world = false)]
fn add(
    /** the first number */
    a: f64,
    /** the number to add to it */
    b: f64,
) -> Result<f64, String> {
    finite(a + b)
}

/// Subtract one number from another: `a - b`.
#[tool(read_only, idempotent, open_world = false)]
fn subtract(
    /** what to subtract from */
    a: f64,
    /** what to take away */
    b: f64,
) -> Result<f64, String> {
    finite(a - b)
}

/// Multiply two numbers.
#[tool(read_only, idempotent, open_world = false)]
fn multiply(
    /** the first number */
    a: f64,
    /** the second number */
    b: f64,
) -> Result<f64, String> {
    finite(a * b)
}

/// Divide one number by another: `a / b`.
#[tool(read_only, idempotent, open_world = false)]
fn divide(
    /** what to divide */
    a: f64,
    /** what to divide by, not 0 */
    b: f64,
) -> Result<f64, String> {
    if b == 0.0 { Err("division by zero".to_owned()) } else { finite(a / b) }
}

/// Raise a number to a power: `base ^ exponent`.
#[tool(read_only, idempotent, open_world = false)]
fn power(
    /** the number to raise */
    base: f64,
    /** the power, which may be negative or a fraction */
    exponent: f64,
) -> Result<f64, String> {
    functions::power(base, exponent)
}

/// The square root of a number.
#[tool(read_only, idempotent, open_world = false)]
fn sqrt(
    /** the number */
    #[schema(minimum = 0)]
    x: f64,
) -> Result<f64, String> {
    functions::named("sqrt", &[x])
}

/// Work out an arithmetic expression, such as `2 * (3 + 4)^2 - sqrt(2)`. Use this for anything of more than one step.
///
/// Operators, from weak to strong: `+ -`, `* / %` (remainder), unary `-`, `^` or `**` (to the right), `!` (factorial).
/// Constants: pi, tau, e. Functions (angles in radians): abs, sign, floor, ceil, round, trunc, sqrt, cbrt, exp, ln, log2,
/// log10, log(x, base), sin, cos, tan, asin, acos, atan, atan2(y, x), sinh, cosh, tanh, hypot(x, y), deg(radians),
/// rad(degrees), gcd(a, b), min(...), max(...), sum(...), mean(...).
#[tool(read_only, idempotent, open_world = false)]
fn evaluate(
    /** the expression, at most 10000 characters */
    #[schema(maxLength = 10000)]
    expression: String,
) -> Result<f64, String> {
    evaluate::evaluate(&expression).map_err(|error| error.to_string())
}

/// A number, or what it means that it is none.
fn finite(value: f64) -> Result<f64, String> {
    if value.is_nan() {
        Err("the result is not a real number".to_owned())
    } else if value.is_infinite() {
        Err("overflow: the result is beyond 1.8e308".to_owned())
    } else {
        Ok(value)
    }
}

gateway_sdk::export!(add, subtract, multiply, divide, power, sqrt, evaluate);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_operations() {
        assert_eq!(add(1.5, 2.0), Ok(3.5));
        assert_eq!(subtract(1.0, 3.0), Ok(-2.0));
        assert_eq!(multiply(4.0, 2.5), Ok(10.0));
        assert_eq!(divide(1.0, 4.0), Ok(0.25));
    }

    #[test]
    fn what_has_no_result_says_why() {
        assert_eq!(divide(1.0, 0.0), Err("division by zero".to_owned()));
        assert_eq!(multiply(1e300, 1e300), Err("overflow: the result is beyond 1.8e308".to_owned()));
        assert_eq!(sqrt(-1.0), Err("the result is not a real number".to_owned()));
        assert_eq!(power(0.0, -1.0), Err("division by zero".to_owned()));
    }
}
