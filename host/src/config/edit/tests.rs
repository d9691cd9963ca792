//! Every way in which people write the places that are changed.

use super::*;

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

fn edit(text: &str) -> (tempfile::TempDir, Edit) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    fs::write(&file, text).unwrap();
    let edit = Edit::open(&file).unwrap();
    (folder, edit)
}

fn added(text: &str) -> String {
    let (_folder, mut edit) = edit(text);
    edit.set_entry("servers", "new", &yaml("{command: npx, args: [-y, '@scope/x', '1'], env: {TOKEN: '${T}'}}"))
        .unwrap();
    edit.text().to_owned()
}

fn removed(text: &str, name: &str) -> String {
    let (_folder, mut edit) = edit(text);
    assert!(edit.remove_entry("servers", name).unwrap());
    edit.text().to_owned()
}

fn set(text: &str, path: &[&str], value: &str) -> String {
    let (_folder, mut edit) = edit(text);
    edit.set_scalar(path, &yaml(value)).unwrap();
    edit.text().to_owned()
}

const NEW: &str =
    "  new:\n    command: npx\n    args: [\"-y\", \"@scope/x\", \"1\"]\n    env:\n      TOKEN: \"${T}\"\n";

#[test]
fn to_a_section_with_entries() {
    let before = "# head\nport: 1 # why\n\nservers:\n  # the first\n  a:\n    command: x # end of a\n\n# below\nroles:\n  all:\n";
    let after = added(before);
    let expected = before.replace("# end of a\n", &format!("# end of a\n{NEW}"));
    assert_eq!(after, expected);
}

#[test]
fn to_a_section_that_is_indented_otherwise() {
    assert_eq!(
        added("servers:\n    a:\n        command: x\n"),
        "servers:\n    a:\n        command: x\n    new:\n      command: npx\n      args: [\"-y\", \"@scope/x\", \"1\"]\n      env:\n        \
         TOKEN: \"${T}\"\n"
    );
}

#[test]
fn to_a_file_without_the_section() {
    assert_eq!(added("port: 1\n"), format!("port: 1\nservers:\n{NEW}"));
    assert_eq!(added("port: 1 # no newline"), format!("port: 1 # no newline\nservers:\n{NEW}"));
    assert_eq!(added("# nothing yet\n"), format!("# nothing yet\nservers:\n{NEW}"));
    assert_eq!(added(""), format!("servers:\n{NEW}"));
    assert_eq!(added("{}\n").trim_end(), format!("servers:\n{NEW}").trim_end());
}

#[test]
fn to_an_empty_section() {
    assert_eq!(added("servers:\n"), format!("servers:\n{NEW}"));
    assert_eq!(added("servers: # none\n  # a: {}\nport: 1\n").lines().filter(|line| line.contains('#')).count(), 2);
    assert_eq!(added("servers: {}\nport: 1\n"), format!("servers:\n{NEW}port: 1\n"));
    assert_eq!(added("servers: { } # none\n").matches("# none").count(), 1);
    assert_eq!(added("servers: null\n"), format!("servers:\n{NEW}"));
    assert_eq!(added("servers: ~\n"), format!("servers:\n{NEW}"));
}

#[test]
fn to_a_section_in_flow_style() {
    let flow = "new: { command: npx, args: [\"-y\", \"@scope/x\", \"1\"], env: { TOKEN: \"${T}\" } }";
    assert_eq!(added("servers: { a: { command: x } }\n"), format!("servers: {{ a: {{ command: x }}, {flow} }}\n"));
    assert_eq!(
        added("{ servers: { a: { command: x }, } }\n"),
        format!("{{ servers: {{ a: {{ command: x }}, {flow}, }} }}\n")
    );
    let lines = added("servers: {\n  a: { command: x }, # a\n  b: { command: y } # b\n}\n");
    assert!(lines.contains(&format!("b: {{ command: y }}, {flow} # b")), "{lines}");
}

#[test]
fn to_the_section_under_its_other_name() {
    assert_eq!(added("backends:\n  a: { command: x }\n"), format!("backends:\n  a: {{ command: x }}\n{NEW}"));
}

#[test]
fn line_ends_are_kept() {
    assert_eq!(added("servers:\r\n  a: { command: x }\r\n").matches("\r\n").count(), 7);
    assert!(!added("servers:\r\n  a: { command: x }\r\n").replace("\r\n", "").contains('\n'));
}

#[test]
fn after_texts_of_several_lines() {
    let before = "servers:\n  a:\n    command: x\n    description: |\n      one\n      two\n\nport: 1\n";
    assert_eq!(added(before), before.replace("two\n", &format!("two\n{NEW}")));
}

#[test]
fn in_place_of_an_entry() {
    let before =
        "servers:\n  a: { command: x }\n  new: # old\n    command: y\n    cwd: /\n  # last\n  z: { command: z }\n";
    assert_eq!(added(before), format!("servers:\n  a: {{ command: x }}\n{NEW}  # last\n  z: {{ command: z }}\n"));
    assert_eq!(added("servers:\n  new: { command: y } # why\n").matches("# why").count(), 1);
}

#[test]
fn entries_go_with_their_lines() {
    let before =
        "servers:\n  # first\n  a:\n    command: x\n    # inside\n    cwd: /\n  b: { command: y } # b\n# end\n";
    assert_eq!(removed(before, "a"), "servers:\n  # first\n  b: { command: y } # b\n# end\n");
    assert_eq!(removed(before, "b"), "servers:\n  # first\n  a:\n    command: x\n    # inside\n    cwd: /\n# end\n");
}

#[test]
fn the_last_entry_leaves_an_empty_section() {
    assert_eq!(removed("servers:\n  a:\n    command: x\nport: 1\n", "a"), "servers: {}\nport: 1\n");
    assert_eq!(removed("servers: # ours\n  a:\n", "a"), "servers: {} # ours\n");
    let again = added(&removed("servers:\n  a:\n    command: x\n", "a"));
    assert_eq!(again, format!("servers:\n{NEW}"));
}

#[test]
fn entries_in_flow_style_go_with_a_comma() {
    let before = "servers: { a: { command: x }, b: { command: y }, c: { command: z } }\n";
    assert_eq!(removed(before, "a"), "servers: { b: { command: y }, c: { command: z } }\n");
    assert_eq!(removed(before, "b"), "servers: { a: { command: x }, c: { command: z } }\n");
    assert_eq!(removed(before, "c"), "servers: { a: { command: x }, b: { command: y } }\n");
    assert_eq!(removed("servers: { a: { command: x } }\n", "a"), "servers: { }\n");
}

#[test]
fn single_values() {
    let path = ["servers", "a", "enabled"];
    assert_eq!(
        set("servers:\n  a:\n    command: x\n", &path, "false"),
        "servers:\n  a:\n    command: x\n    enabled: false\n"
    );
    assert_eq!(
        set("servers:\n  a:\n    enabled: true # for now\n    command: x\n", &path, "false"),
        "servers:\n  a:\n    enabled: false # for now\n    command: x\n"
    );
    assert_eq!(
        set("servers: { a: { command: x } }\n", &path, "false"),
        "servers: { a: { command: x, enabled: false } }\n"
    );
    assert_eq!(
        set("servers: { a: { enabled: true, command: x } }\n", &path, "false"),
        "servers: { a: { enabled: false, command: x } }\n"
    );
    assert_eq!(set("port: 1\n", &["default_role"], "admin"), "port: 1\ndefault_role: admin\n");
    assert_eq!(
        set("plugins:\n  p:\n    source: x\n", &["plugins", "p", "permissions", "net"], "['a.example']"),
        "plugins:\n  p:\n    source: x\n    permissions:\n      net: [a.example]\n"
    );
}

#[test]
fn values_stay_what_they_are() {
    let (_folder, mut edit) = edit("servers: {}\n");
    let odd = yaml(
        "{command: 'yes', args: ['true', '1.10', '-', '', 'a: b', '# c', 'it''s', '{x}', '*', '~', null, 'ä', \"two\\nlines\"], \
         description: 'a: b # c', env: {X: '0x1F', Y: ' pad '}, 'odd key: ': 1}",
    );
    edit.set_entry("servers", "odd", &odd).unwrap();
    assert_eq!(edit.entry("servers", "odd"), Some(odd));
}

#[test]
fn what_only_stands_for_something_is_left_alone() {
    for text in [
        "x-base: &base\n  a: { command: x }\nservers: *base\n",
        "servers: &all\n  a: &a { command: x }\nx-more: *all\n",
        "x-base: &base { a: { command: x } }\nservers:\n  <<: *base\n",
    ] {
        let (_folder, mut edit) = edit(text);
        let result = edit.set_scalar(&["servers", "a", "enabled"], &Value::Bool(false));
        assert!(matches!(result, Err(EditError::Unsupported { .. })), "{text}{}", edit.text());
        assert_eq!(edit.text(), text);
    }
}

#[test]
fn a_file_is_begun_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/gateway.yaml");
    let mut edit = Edit::open(&file).unwrap();
    edit.set_entry("servers", "a", &yaml("{command: x}")).unwrap();
    assert!(!edit.save().unwrap().has_errors());
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{HEAD}servers:\n  a:\n    command: x\n"));
}

#[test]
fn an_edit_that_breaks_the_file_is_refused() {
    let before = "servers:\n  a: { command: x }\nroles: { admin: null }\ndefault_role: admin\n";
    let (folder, mut edit) = edit(before);
    edit.remove(&["roles", "admin"]).unwrap();
    let Err(EditError::Invalid(report)) = edit.save() else { panic!("it was written") };
    assert!(report.to_string().contains("the role `admin` is not configured"), "{report}");
    assert_eq!(fs::read_to_string(folder.path().join("gateway.yaml")).unwrap(), before);
}

#[test]
fn a_file_that_is_wrong_elsewhere_can_be_mended() {
    let (_folder, mut edit) = edit("servers:\n  a: { comand: x }\n  b: { comand: y }\n");
    edit.remove_entry("servers", "a").unwrap();
    assert_eq!(edit.save().unwrap().count(Severity::Error), 1);
}

#[test]
fn no_yaml_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.yaml");
    fs::write(&file, "servers: [\n").unwrap();
    assert!(matches!(Edit::open(&file), Err(EditError::Invalid(_))));
}

#[test]
fn variables_need_not_be_set() {
    let (_folder, mut edit) = edit("servers: {}\n");
    edit.set_entry("servers", "a", &yaml("{command: x, env: {T: '${T}'}}")).unwrap();
    let report = edit.save_with(&|_| None).unwrap();
    assert_eq!((report.is_fatal(), report.has_errors()), (false, true));
}

#[test]
fn what_somebody_else_wrote_is_not_overwritten() {
    let (folder, mut edit) = edit("port: 1\n");
    edit.set_scalar(&["port"], &Value::from(2)).unwrap();
    fs::write(folder.path().join("gateway.yaml"), "port: 3\n").unwrap();
    assert!(matches!(edit.save(), Err(EditError::Changed { .. })));
}

#[cfg(unix)]
#[test]
fn links_and_modes_are_kept() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real.yaml"), folder.path().join("gateway.yaml"));
    fs::write(&real, "port: 1\n").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.yaml", &link).unwrap();
    let mut edit = Edit::open(&link).unwrap();
    edit.set_scalar(&["port"], &Value::from(2)).unwrap();
    edit.save().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "port: 2\n");
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
}
