//! Expressions, worked out while they are read.

use crate::lexer::{Error, Lexer, Token};
use crate::{finite, functions};

/// How deep parentheses, signs and powers may nest: far below what the stack of a component holds.
const DEEPEST: usize = 200;

/// The value of an expression.
pub(crate) fn evaluate(expression: &str) -> Result<f64, Error> {
    let mut parser = Parser { lexer: Lexer::new(expression), token: Token::End, start: 0, depth: 0 };
    parser.advance()?;
    let value = parser.sum()?;
    match parser.token {
        Token::End => Ok(value),
        Token::Close => Err(parser.error("there is no `(` for this `)`")),
        _ => Err(parser.error("expected an operator or the end")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The token that is looked at, and where it begins.
    token: Token<'a>,
    start: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn sum(&mut self) -> Result<f64, Error> {
        let mut value = self.product()?;
        loop {
            let operator = self.start;
            match self.token {
                Token::Plus => {
                    self.advance()?;
                    value += self.product()?;
                }
                Token::Minus => {
                    self.advance()?;
                    value -= self.product()?;
                }
                _ => return Ok(value),
            }
            value = self.checked(operator, finite(value))?;
        }
    }

    fn product(&mut self) -> Result<f64, Error> {
        let mut value = self.signed()?;
        loop {
            let (token, operator) = (self.token, self.start);
            if !matches!(token, Token::Times | Token::Divide | Token::Remainder) {
                return Ok(value);
            }
            self.advance()?;
            let right = self.signed()?;
            let result = match token {
                Token::Times => finite(value * right),
                _ if right == 0.0 => Err("division by zero".to_owned()),
                Token::Divide => finite(value / right),
                _ => finite(value % right),
            };
            value = self.checked(operator, result)?;
        }
    }

    /// A sign binds less than a power: `-2^2` is -4.
    fn signed(&mut self) -> Result<f64, Error> {
        self.deeper(|parser| match parser.token {
            Token::Minus => {
                parser.advance()?;
                Ok(-parser.signed()?)
            }
            Token::Plus => {
                parser.advance()?;
                parser.signed()
            }
            _ => parser.power(),
        })
    }

    /// Powers go to the right, and their exponent may have a sign: `2^-3^2` is `2^(-(3^2))`.
    fn power(&mut self) -> Result<f64, Error> {
        let base = self.postfix()?;
        let operator = self.start;
        if self.token != Token::Power {
            return Ok(base);
        }
        self.advance()?;
        let exponent = self.signed()?;
        self.checked(operator, functions::power(base, exponent))
    }

    fn postfix(&mut self) -> Result<f64, Error> {
        let mut value = self.atom()?;
        while self.token == Token::Factorial {
            value = self.checked(self.start, functions::factorial(value))?;
            self.advance()?;
        }
        Ok(value)
    }

    fn atom(&mut self) -> Result<f64, Error> {
        match self.token {
            Token::Number(number) => {
                let number = self.checked(self.start, finite(number))?;
                self.advance()?;
                Ok(number)
            }
            Token::Open => {
                self.advance()?;
                let value = self.sum()?;
                self.close()?;
                Ok(value)
            }
            Token::Name(name) => self.name(name),
            Token::End => Err(self.error("the expression ends where a number is expected")),
            _ => Err(self.error("expected a number, a name or `(`")),
        }
    }

    fn name(&mut self, name: &str) -> Result<f64, Error> {
        let start = self.start;
        self.advance()?;
        if self.token == Token::Open {
            let arguments = self.arguments()?;
            return self.checked(start, functions::named(name, &arguments));
        }
        functions::constant(name).ok_or_else(|| self.lexer.error(start, &format!("there is no constant `{name}`")))
    }

    fn arguments(&mut self) -> Result<Vec<f64>, Error> {
        let mut arguments = Vec::new();
        self.advance()?;
        while self.token != Token::Close {
            arguments.push(self.sum()?);
            if self.token != Token::Comma {
                break;
            }
            self.advance()?;
        }
        self.close()?;
        Ok(arguments)
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.token == Token::Close { self.advance() } else { Err(self.error("expected `)`")) }
    }

    fn advance(&mut self) -> Result<(), Error> {
        (self.token, self.start) = self.lexer.next()?;
        Ok(())
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Result<f64, Error>) -> Result<f64, Error> {
        if self.depth == DEEPEST {
            return Err(self.error("the expression nests too deep"));
        }
        self.depth += 1;
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn checked(&self, offset: usize, value: Result<f64, String>) -> Result<f64, Error> {
        value.map_err(|message| self.lexer.error(offset, &message))
    }

    fn error(&self, message: &str) -> Error {
        self.lexer.error(self.start, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(expression: &str) -> f64 {
        evaluate(expression).unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    fn error(expression: &str) -> String {
        evaluate(expression).expect_err(expression).to_string()
    }

    #[test]
    fn operators_bind_as_in_mathematics() {
        assert_eq!(value("1 + 2 * 3"), 7.0);
        assert_eq!(value("(1 + 2) * 3"), 9.0);
        assert_eq!(value("2 ^ 3 ^ 2"), 512.0);
        assert_eq!(value("2**-1"), 0.5);
        assert_eq!(value("-2 ^ 2"), -4.0);
        assert_eq!(value("10 - 4 - 3"), 3.0);
        assert_eq!(value("7 % 4 * 2"), 6.0);
        assert_eq!(value("3! + 2 × 2 − 1"), 9.0);
    }

    #[test]
    fn numbers_have_exponents_and_e_is_a_constant() {
        assert_eq!(value("1.5e3 + .5"), 1500.5);
        assert_eq!(value("2*e"), 2.0 * std::f64::consts::E);
    }

    #[test]
    fn functions_take_one_two_or_any_number_of_numbers() {
        assert_eq!(value("sqrt(16) + max(1, 5, 3) + hypot(3, 4)"), 14.0);
        assert_eq!(value("log(8, 2)").round(), 3.0);
        assert_eq!(value("gcd(12, 18)"), 6.0);
        assert_eq!(value("mean(1, 2, 6)"), 3.0);
        assert!((value("sin(pi / 2)") - 1.0).abs() < 1e-12);
    }

    #[test]
    fn mistakes_are_told_with_their_position() {
        assert_eq!(error("1 / (2 - 2)"), "at position 3: division by zero");
        assert_eq!(error("5 % 0"), "at position 3: division by zero");
        assert_eq!(error("2 +"), "at position 4: the expression ends where a number is expected");
        assert_eq!(error("2 + * 3"), "at position 5: expected a number, a name or `(`");
        assert_eq!(error("(1 + 2"), "at position 7: expected `)`");
        assert_eq!(error("1)"), "at position 2: there is no `(` for this `)`");
        assert_eq!(error("2 3"), "at position 3: expected an operator or the end");
        assert_eq!(error("π + x"), "at position 5: there is no constant `x`");
        assert_eq!(error("1 $ 2"), "at position 3: unexpected character `$`");
        assert_eq!(error("foo(1)"), "at position 1: there is no function `foo` with 1 number");
        assert_eq!(error("10^200 * 10^200"), "at position 8: overflow: the result is beyond 1.8e308");
        assert_eq!(error("171!"), "at position 4: overflow: the largest factorial is 170!");
        assert_eq!(error("sqrt(-4)"), "at position 1: the result is not a real number");
        assert_eq!(error(""), "at position 1: the expression ends where a number is expected");
    }

    #[test]
    fn depth_is_limited_so_that_the_stack_is_not() {
        let deep = "(".repeat(10_000);
        assert!(error(&deep).ends_with("the expression nests too deep"));
        assert!(error(&"-".repeat(10_000)).ends_with("the expression nests too deep"));
    }
}
