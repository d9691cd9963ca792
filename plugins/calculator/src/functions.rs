//! Functions and constants by name.

use std::f64::consts;

use crate::finite;

/// The largest number whose factorial is below 1.8e308.
const LARGEST_FACTORIAL: u32 = 170;

pub(crate) fn constant(name: &str) -> Option<f64> {
    match name.to_ascii_lowercase().as_str() {
        "pi" => Some(consts::PI),
        "tau" => Some(consts::TAU),
        "e" => Some(consts::E),
        _ => None,
    }
}

/// The function of that name, or why it has no value there.
pub(crate) fn named(name: &str, arguments: &[f64]) -> Result<f64, String> {
    let name = name.to_ascii_lowercase();
    let value = match (name.as_str(), arguments) {
        ("min" | "max" | "sum" | "mean", []) => return Err(format!("`{name}` needs at least one number")),
        ("min", all) => all.iter().copied().fold(f64::INFINITY, f64::min),
        ("max", all) => all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ("sum", all) => all.iter().sum(),
        ("mean", all) => all.iter().sum::<f64>() / all.len() as f64,
        (_, [x]) => one(&name, *x)?,
        (_, [x, y]) => two(&name, *x, *y)?,
        _ => return Err(unknown(&name, arguments.len())),
    };
    finite(value)
}

pub(crate) fn power(base: f64, exponent: f64) -> Result<f64, String> {
    if base == 0.0 && exponent < 0.0 { Err("division by zero".to_owned()) } else { finite(base.powf(exponent)) }
}

pub(crate) fn factorial(x: f64) -> Result<f64, String> {
    if x < 0.0 || x.fract() != 0.0 {
        return Err("a factorial needs a whole number that is not negative".to_owned());
    }
    if x > f64::from(LARGEST_FACTORIAL) {
        return Err(format!("overflow: the largest factorial is {LARGEST_FACTORIAL}!"));
    }
    Ok((1..=LARGEST_FACTORIAL).map(f64::from).take_while(|factor| *factor <= x).product())
}

fn one(name: &str, x: f64) -> Result<f64, String> {
    Ok(match name {
        "abs" => x.abs(),
        "sign" => {
            if x == 0.0 {
                0.0
            } else {
                x.signum()
            }
        }
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "round" => x.round(),
        "trunc" => x.trunc(),
        "sqrt" => x.sqrt(),
        "cbrt" => x.cbrt(),
        "exp" => x.exp(),
        "ln" => positive(x)?.ln(),
        "log2" => positive(x)?.log2(),
        "log10" | "log" => positive(x)?.log10(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        "tan" => x.tan(),
        "asin" => x.asin(),
        "acos" => x.acos(),
        "atan" => x.atan(),
        "sinh" => x.sinh(),
        "cosh" => x.cosh(),
        "tanh" => x.tanh(),
        "deg" => x.to_degrees(),
        "rad" => x.to_radians(),
        _ => return Err(unknown(name, 1)),
    })
}

fn two(name: &str, x: f64, y: f64) -> Result<f64, String> {
    Ok(match name {
        "log" if y == 1.0 => return Err("a logarithm has no base 1".to_owned()),
        "log" => positive(x)?.log10() / positive(y)?.log10(),
        "atan2" => x.atan2(y),
        "hypot" => x.hypot(y),
        "pow" => power(x, y)?,
        "gcd" => gcd(x, y)?,
        _ => return Err(unknown(name, 2)),
    })
}

fn positive(x: f64) -> Result<f64, String> {
    if x > 0.0 { Ok(x) } else { Err("a logarithm needs a number above 0".to_owned()) }
}

fn gcd(x: f64, y: f64) -> Result<f64, String> {
    if x.fract() != 0.0 || y.fract() != 0.0 {
        return Err("`gcd` needs whole numbers".to_owned());
    }
    let (mut x, mut y) = (x.abs(), y.abs());
    while y != 0.0 {
        (x, y) = (y, x % y);
    }
    Ok(x)
}

fn unknown(name: &str, count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("there is no function `{name}` with {count} number{plural}")
}
