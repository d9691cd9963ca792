use std::{fs, sync::Arc, thread};

use super::*;

fn name(name: &str) -> SourceName {
    SourceName::new(name).unwrap()
}

fn store(folder: &Path, quota: u64) -> Storage {
    Storage::new(folder, &name("p"), Size::bytes(quota))
}

fn get(store: &Storage, key: &str) -> Option<Vec<u8>> {
    store.with(|values| values.get(key)).unwrap().map(|found| found.value)
}

fn set(store: &Storage, key: &str, value: &[u8]) -> Result<(), String> {
    store.with(|values| values.set(key, value)).map_err(|error| error.to_string())
}

#[test]
fn values_are_there_for_who_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    set(&store(folder.path(), 1000), "key", b"value").unwrap();
    let later = store(folder.path(), 1000);
    assert_eq!(get(&later, "key").as_deref(), Some(&b"value"[..]));
    assert_eq!(get(&later, "other"), None);
    // Another plugin's keys are its own, also where the names differ in case alone.
    for other in ["q", "P"] {
        let other = Storage::new(folder.path(), &name(other), Size::bytes(1000));
        assert_eq!(get(&other, "key"), None);
    }
    later.with(|values| values.delete("key")).unwrap();
    later.with(|values| values.delete("key")).unwrap();
    assert_eq!(get(&later, "key"), None);
}

#[cfg(unix)]
#[test]
fn others_are_kept_out() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("storage");
    let store = store(&folder, 1000);
    set(&store, "key", b"value").unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let mut files = 0;
    for file in fs::read_dir(&folder).unwrap() {
        files += 1;
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(files >= 2, "{files}");
}

#[test]
fn there_is_a_limit_to_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let small = store(folder.path(), 20);
    set(&small, "a", &[0; 9]).unwrap();
    set(&small, "b", &[0; 9]).unwrap();
    assert_eq!(set(&small, "c", b"").unwrap_err(), "storage limit of 20 bytes reached");
    assert_eq!(set(&small, "a", &[0; 10]).unwrap_err(), "storage limit of 20 bytes reached");
    // What failed has changed nothing, and what makes room is let through.
    assert_eq!(get(&small, "a").unwrap().len(), 9);
    set(&small, "a", &[0; 8]).unwrap();
    set(&small, "c", b"").unwrap();
    small.with(|values| values.delete("b")).unwrap();
    set(&small, "d", &[0; 9]).unwrap();
    let lowered = store(folder.path(), 5);
    set(&lowered, "d", &[0; 2]).unwrap();
    assert_eq!(set(&lowered, "d", &[0; 3]).unwrap_err(), "storage limit of 5 bytes reached");

    let large = store(folder.path(), 1 << 30);
    for key in [String::new(), "k".repeat(1025)] {
        assert_eq!(set(&large, &key, b"").unwrap_err(), "a key has 1 to 1024 bytes");
    }
    assert_eq!(set(&large, "v", &vec![0; (1 << 20) + 1]).unwrap_err(), "a value has at most 1048576 bytes");
    set(&large, &"k".repeat(1024), &vec![0; 1 << 20]).unwrap();
}

#[test]
fn keys_are_listed_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), 1 << 20);
    assert_eq!(store.with(|values| values.keys(None)).unwrap(), (vec![], None));
    // All at once, since each change of its own waits for the disk.
    let all = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2499)
        INSERT INTO entries (key, value, version) SELECT 'k' || i, x'', i FROM n";
    rusqlite::Connection::open(file(folder.path(), &name("p"))).unwrap().execute(all, []).unwrap();
    let (mut all, mut cursor, mut parts) = (Vec::new(), None, 0);
    loop {
        let (keys, next) = store.with(|values| values.keys(cursor)).unwrap();
        all.extend(keys);
        parts += 1;
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!((all.len(), parts), (2500, 3));
    assert_eq!((all[0].as_str(), all[2499].as_str()), ("k0", "k2499"));
    assert_eq!(store.with(|values| values.keys(Some(u64::MAX))).unwrap(), (vec![], None));
}

#[test]
fn numbers_are_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), 1000);
    let add = |key: &str, delta| store.with(|values| values.increment(key, delta)).map_err(|error| error.to_string());
    assert_eq!(add("n", 5), Ok(5));
    assert_eq!(add("n", -7), Ok(-2));
    assert_eq!(get(&store, "n").as_deref(), Some(&b"-2"[..]));
    set(&store, "text", b"x").unwrap();
    assert_eq!(add("text", 1).unwrap_err(), "the value of this key is no number");
    set(&store, "large", i64::MAX.to_string().as_bytes()).unwrap();
    assert_eq!(add("large", 1).unwrap_err(), "the sum is too large for 64 bits");
}

#[test]
fn a_swap_finds_out_what_came_between() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), 1000);
    let swap = |version, value: &[u8]| store.with(|values| values.swap("key", version, value)).unwrap();
    let state = || store.with(|values| values.get("key")).unwrap();
    assert_eq!(swap(None, b"one"), Swap::Done);
    let one = state();
    assert_eq!(swap(None, b"two"), Swap::Changed(one.clone()));
    let version = one.map(|one| one.version);
    // The same value, set again, is another state; and so is one that was gone in between.
    set(&store, "key", b"one").unwrap();
    assert_eq!(swap(version, b"two"), Swap::Changed(state()));
    let version = state().map(|state| state.version);
    store.with(|values| values.delete("key")).unwrap();
    assert_eq!(swap(version, b"two"), Swap::Changed(None));
    set(&store, "key", b"one").unwrap();
    assert_eq!(swap(version, b"two"), Swap::Changed(state()));
    assert_eq!(swap(state().map(|state| state.version), b"two"), Swap::Done);
}

#[test]
fn several_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Arc::new(store(folder.path(), 1000));
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            // Two that share an open file, as calls do, and two with one of their own, as processes have.
            let store = if worker < 2 { shared.clone() } else { Arc::new(store(folder.path(), 1000)) };
            thread::spawn(move || {
                for _ in 0..25 {
                    store.with(|values| values.increment("n", 1)).unwrap();
                }
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert_eq!(get(&shared, "n").as_deref(), Some(&b"100"[..]));
}

#[test]
fn a_damaged_file_is_told_and_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    set(&store(folder.path(), 1000), "key", b"value").unwrap();
    let file = file(folder.path(), &name("p"));
    for (number, damage) in
        [&b"this is no database, and long enough to be taken for one"[..], &[0xff; 8192]].into_iter().enumerate()
    {
        fs::write(&file, damage).unwrap();
        let damaged = store(folder.path(), 1000);
        let error = set(&damaged, "key", b"new").unwrap_err();
        let aside = file.with_extension(format!("damaged-{}", number + 1));
        assert_eq!(
            error,
            format!(
                "the stored values were damaged: they were put aside as {}, and the store is empty now",
                aside.display()
            )
        );
        assert_eq!(fs::read(&aside).unwrap(), damage);
        set(&damaged, "key", b"new").unwrap();
        assert_eq!(get(&damaged, "key").as_deref(), Some(&b"new"[..]));
    }
    // One that became damaged in its midst.
    let mut torn = fs::read(&file).unwrap();
    torn[4096..].fill(0xaa);
    fs::write(&file, &torn).unwrap();
    fs::remove_file(file.with_extension("sqlite-wal")).ok();
    assert!(set(&store(folder.path(), 1000), "key", b"new").unwrap_err().contains("put aside"));
}

#[test]
fn a_store_from_the_future_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    set(&store(folder.path(), 1000), "key", b"value").unwrap();
    let file = file(folder.path(), &name("p"));
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 2).unwrap();
    assert_eq!(
        set(&store(folder.path(), 1000), "key", b"new").unwrap_err(),
        "the store was written by a newer gateway"
    );
    assert!(file.exists() && !file.with_extension("damaged-1").exists());
}

#[test]
fn what_is_purged_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!purge(folder.path(), &name("p")).unwrap());
    set(&store(folder.path(), 1000), "key", b"value").unwrap();
    set(&Storage::new(folder.path(), &name("q"), Size::bytes(1000)), "key", b"value").unwrap();
    assert!(purge(folder.path(), &name("p")).unwrap());
    assert_eq!(get(&store(folder.path(), 1000), "key"), None);
    assert!(get(&Storage::new(folder.path(), &name("q"), Size::bytes(1000)), "key").is_some());
}
