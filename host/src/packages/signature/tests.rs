//! The keys and signatures were made with minisign 0.11 and OpenSSL 3.0.

use super::*;

const MINISIGN: &str = "RWT4S2023k0Njc2e3PfSM+F0yOxesyD3bOrgBtXuakcKUruKiFTFsblg";
const MINISIG: &str = "\
untrusted comment: signature from minisign secret key
RUT4S2023k0NjWlIFNY04TBp98HHttvVM6GJ6ejb7vKobJOeaXAY0mRDKzJwwV+xeSsjKsspyaVOhbQUiqMlkQB4hAXIUDT1cw4=
trusted comment: timestamp:1795275703	file:c	hashed
aEiHFSP9xbFOb/eGYwYI40uofD9qgqQiSDHF8/LDc1r2R5WhO2IhVt3wd70+w3eZoQVXdfvVexBedg/d5qeHDA==
";
const LEGACY: &str = "\
untrusted comment: signature from minisign secret key
RWT4S2023k0NjbKaU8xnPRgGI1DhEDyH2kwhk2j8QsEGpOf6p/k1uxQOXMSGzE3KAeHjEtmOFqGkUzgrqCfsCpUDRQo1/80QdwY=
trusted comment: timestamp:1795275703	file:c
i1QQ5VAx1YtckF3MB+rF55jrqVFNtusgYyaITkyltkJd7eW4yqoxu5FoOY8niCIoWN9PHdlnp7Zpqs4KmLFFCQ==
";
const COSIGN: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEl3FYw/jQaIg14P75klMUk67zMjcc
1NMlNLyOKkSe3m4J7l2Q5kVnWTS9H9yr8x4WKMGG2vuBXlfCpOi9AEJQMA==
-----END PUBLIC KEY-----
";
const SIG: &str = "MEQCIG0YVhpSWRfD6fyaSreQqZ36nGewfFBCQbbdBUTqlnJqAiBMBFaxEHlMVHKDCIrodFU/rnzGcdNS5sIEEHw2ij8TIw==";

fn signer(name: &str, key: &str, expires: Option<&str>) -> Signer {
    Signer::new(name, key, expires).unwrap()
}

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

#[test]
fn keys_are_told_apart() {
    assert!(signer("a", MINISIGN, None).uses_minisign());
    let file = format!("untrusted comment: minisign public key\n{MINISIGN}\n");
    assert!(signer("a", &file, None).uses_minisign());
    assert!(!signer("a", COSIGN, None).uses_minisign());
    let error = |key: &str| Signer::new("a", key, None).unwrap_err();
    assert_eq!(error("hello"), SignerError::Key(KeyError::Neither));
    assert_eq!(error(""), SignerError::Key(KeyError::Neither));
    assert_eq!(error(&MINISIGN[..20]), SignerError::Key(KeyError::Damaged));
    let curve = COSIGN.replace("QcDQgAE", "QcDQgAF");
    assert_eq!(error(&curve), SignerError::Key(KeyError::Curve));
    assert_eq!(error("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), SignerError::Key(KeyError::Curve));
    assert_eq!(error("-----BEGIN EC PRIVATE KEY-----"), SignerError::Key(KeyError::Private));
    assert!(matches!(Signer::new("a", MINISIGN, Some("tomorrow")), Err(SignerError::Date(_))));
}

#[test]
fn signatures_hold_for_one_component_and_one_key() {
    let minisign = |text: &str| Signatures { minisign: vec![text.to_owned()], ..Signatures::default() };
    let blob = Signatures { blob: vec![format!("{SIG}\n")], ..Signatures::default() };
    let (mini, co) = (signer("mini", MINISIGN, None), signer("co", COSIGN, None));
    let verify = |found: &Signatures, bytes: &[u8], signers: &[&Signer]| {
        found.verify(bytes, signers, day("2026-01-01")).map(|signer| signer.name.clone())
    };
    for (found, signer) in [(minisign(MINISIG), &mini), (minisign(LEGACY), &mini), (blob, &co)] {
        assert_eq!(verify(&found, b"component", &[signer]), Ok(signer.name.clone()));
        assert_eq!(verify(&found, b"component", &[&mini, &co]), Ok(signer.name.clone()));
        assert!(matches!(verify(&found, b"Component", &[signer]), Err(SignatureError::Wrong { .. })));
    }
    assert!(matches!(verify(&minisign(MINISIG), b"component", &[&co]), Err(SignatureError::Wrong { .. })));
    assert!(matches!(verify(&minisign("torn"), b"component", &[&mini]), Err(SignatureError::Wrong { .. })));
    assert!(matches!(verify(&Signatures::default(), b"component", &[&mini]), Err(SignatureError::Missing { .. })));
}

#[test]
fn a_key_counts_up_to_its_last_day() {
    let found = Signatures { minisign: vec![MINISIG.to_owned()], ..Signatures::default() };
    let old = signer("old", MINISIGN, Some("2026-06-30"));
    assert!(found.verify(b"component", &[&old], day("2026-06-30")).is_ok());
    let error = found.verify(b"component", &[&old], day("2026-07-01")).unwrap_err();
    assert_eq!(error.to_string(), "the key of \"old\", who signed it, expired: its last day was 2026-06-30");
    let other = signer("other", MINISIGN, None);
    assert_eq!(found.verify(b"component", &[&old, &other], day("2026-07-01")).unwrap().name, "other");
    // Whoever did not sign it has nothing that could expire.
    let stranger = signer("stranger", COSIGN, Some("2020-01-01"));
    assert!(matches!(found.verify(b"component", &[&stranger], day("2026-07-01")), Err(SignatureError::Wrong { .. })));
}
