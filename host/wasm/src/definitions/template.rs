//! Templates of URIs (RFC 6570).

/// The variables of a template, in order; what is wrong with it, where it is none.
pub(super) fn variables(template: &str) -> Result<Vec<&str>, String> {
    let (mut variables, mut rest) = (Vec::new(), template);
    loop {
        let Some((literal, behind)) = rest.split_once('{') else {
            literals(rest)?;
            break;
        };
        literals(literal)?;
        let (expression, next) = behind.split_once('}').ok_or("an expression in it has no end: `}` is missing")?;
        variables.extend(expression_variables(expression)?);
        rest = next;
    }
    match variables.is_empty() {
        true => Err("it has no variable: list it as a resource".to_owned()),
        false => Ok(variables),
    }
}

/// What stands between expressions (RFC 6570, section 2.1).
fn literals(text: &str) -> Result<(), String> {
    match text.chars().find(|c| c.is_control() || " \"<>\\^`|}".contains(*c)) {
        Some(c) => Err(format!("it has the character {c:?}, which no template has")),
        None => Ok(()),
    }
}

/// What stands in braces (RFC 6570, sections 2.2 to 2.4).
fn expression_variables(expression: &str) -> Result<Vec<&str>, String> {
    let list = expression.strip_prefix(['+', '#', '.', '/', ';', '?', '&']).unwrap_or(expression);
    list.split(',').map(|variable| variable_name(variable).ok_or_else(|| bad(expression))).collect()
}

fn bad(expression: &str) -> String {
    format!("`{{{expression}}}` is no expression of RFC 6570")
}

/// The name in front of its modifier: `*`, or `:` and a length.
fn variable_name(variable: &str) -> Option<&str> {
    let name = match variable.split_once(':') {
        Some((name, length)) => {
            let is_length = length.len() <= 4 && length.starts_with(|c: char| ('1'..='9').contains(&c));
            (is_length && length.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)?
        }
        None => variable.strip_suffix('*').unwrap_or(variable),
    };
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '%');
    name.split('.').all(part).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        for (template, expected) in [
            ("notes:///{year}/{name}", Some("year name")),
            ("file:///{+path}", Some("path")),
            ("x://items{?page,size:3}{&more*}", Some("page size more")),
            ("x://{a.b}{#_c}", Some("a.b _c")),
            ("notes:///today", None),
            ("x://{a", None),
            ("x://a}", None),
            ("x://{}", None),
            ("x://{a,}", None),
            ("x://{=a}", None),
            ("x://{a b}", None),
            ("x://{a:0}", None),
            ("x://{a:10000}", None),
            ("x://{{a}}", None),
            ("x:// {a}", None),
        ] {
            assert_eq!(variables(template).ok().map(|found| found.join(" ")).as_deref(), expected, "{template}");
        }
    }
}
