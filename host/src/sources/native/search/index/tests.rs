use super::*;

const TOOLS: [(&str, &str); 8] = [
    ("read_text_file", "Read the complete contents of a file as text"),
    ("write_file", "Create a new file or completely overwrite an existing file"),
    ("list_directory", "Get a detailed listing of all files and directories in a path"),
    ("search_files", "Recursively search for files matching a pattern"),
    ("create_entities", "Create multiple new entities in the knowledge graph"),
    ("get_current_time", "Get the current time in a specific timezone"),
    ("convertCurrency", "Convert an amount of money between currencies"),
    ("delete-record", "Delete a record from the database"),
];

fn index(tools: &[(&str, &str)]) -> Index {
    Index::new(tools.iter().map(|(name, description)| Document {
        names: vec![(*name).to_owned()],
        fields: vec![(Field::Name, (*name).to_owned()), (Field::Description, (*description).to_owned())],
    }))
}

fn all(index: &Index) -> FixedBitSet {
    let mut sight = FixedBitSet::with_capacity(index.lengths.len());
    sight.insert_range(..);
    sight
}

fn first(query: &str) -> &'static str {
    let index = index(&TOOLS);
    index.search(query, &all(&index)).first().map_or("", |hit| TOOLS[hit.document].0)
}

#[test]
fn the_best_comes_first() {
    for (query, tool) in [
        ("read a file", "read_text_file"),
        ("read_text_file", "read_text_file"),
        ("readtextfile", "read_text_file"),
        ("what is in this folder", "list_directory"),
        ("listing directories", "list_directory"),
        ("which time is it", "get_current_time"),
        ("currency conversion", "convertCurrency"),
        ("remove a record", "delete-record"),
        ("new entity", "create_entities"),
        ("write", "write_file"),
    ] {
        assert_eq!(first(query), tool, "{query}");
    }
}

#[test]
fn what_is_mistyped_or_begun_is_found() {
    for (query, tool) in [
        ("dirctory", "list_directory"),
        ("direcotry", "list_directory"),
        ("currancy", "convertCurrency"),
        ("timezne", "get_current_time"),
        ("knowlege grpah", "create_entities"),
        ("knowl", "create_entities"),
        ("databse", "delete-record"),
    ] {
        assert_eq!(first(query), tool, "{query}");
    }
    assert_eq!(first("zzzzzz"), "");
    assert_eq!(first("the of and"), "");
    assert_eq!(first(""), "");
    assert_eq!(first("🦀 ___ ---"), "");
}

#[test]
fn what_is_hidden_changes_nothing() {
    let (small, large) = (index(&TOOLS[..4]), index(&TOOLS));
    let mut sight = FixedBitSet::with_capacity(TOOLS.len());
    sight.insert_range(..4);
    for query in ["read a file", "create", "dirctory", "currancy", "time", "get", "delete-record", "new"] {
        assert_eq!(large.search(query, &sight), small.search(query, &all(&small)), "{query}");
    }
}

#[test]
fn documents_without_words_are_never_found() {
    let index = Index::new(std::iter::repeat_with(Document::default).take(3));
    assert!(index.search("anything", &all(&index)).is_empty());
}
