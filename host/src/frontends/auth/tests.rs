use gateway_core::role::Role;

use super::*;

/// Fetches nothing: no token here is worth it.
struct Nothing;

#[async_trait::async_trait]
impl Fetch for Nothing {
    async fn text(&self, url: &Url) -> Result<Option<String>, String> {
        panic!("{url} is asked for")
    }
}

fn door_of(tokens: Vec<TokenConfig>, jwt: Option<JwtConfig>, roles: &RoleSet) -> Result<Door, RoleError> {
    Doors::new(Arc::new(Nothing)).door(&AuthConfig { tokens, jwt }, roles)
}

fn door() -> Door {
    let roles = RoleSet::new(vec![Role::unfiltered("a"), Role::unfiltered("b")], None);
    let token = |role: &str, token: Option<&str>, sha256: Option<&str>| TokenConfig {
        role: role.to_owned(),
        token: token.map(str::to_owned),
        sha256: sha256.map(str::to_owned),
    };
    // `sha256` is that of "two".
    let two = "3FC4CCFE745870E2C0D99F71F30FF0656C8DEDD41CC1D7D3D376B0DBE685E2F3";
    let tokens = vec![token("a", Some("one"), None), token("b", None, Some(two)), token("a", None, None)];
    door_of(tokens, None, &roles).unwrap()
}

async fn admitted(values: &[&str]) -> Result<usize, Refusal> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, value.parse().unwrap());
    }
    let admitted = door().admit(&headers).await;
    admitted.inspect(|principal| assert!(door().knows(principal))).map(|principal| principal.caller.role.index())
}

#[tokio::test]
async fn tokens_open_the_door() {
    assert_eq!(admitted(&["Bearer one"]).await, Ok(0));
    assert_eq!(admitted(&["bearer  two"]).await, Ok(1));
    assert_eq!(admitted(&[]).await, Err(Refusal::Missing));
    for (value, refusal) in [
        ("Bearer three", Refusal::Unknown),
        ("Bearer on", Refusal::Unknown),
        ("Bearer one two", Refusal::Unknown),
        ("Basic b25lOm9uZQ==", Refusal::Malformed),
        ("Bearer ", Refusal::Malformed),
        ("one", Refusal::Malformed),
    ] {
        assert_eq!(admitted(&[value]).await, Err(refusal), "{value}");
    }
    assert_eq!(admitted(&["Bearer one", "Bearer two"]).await, Err(Refusal::Malformed));
}

#[test]
fn a_role_has_to_be_there() {
    let roles = RoleSet::new(vec![Role::unfiltered("a")], Some("a"));
    let token = TokenConfig { role: "b".to_owned(), token: Some("one".to_owned()), sha256: None };
    assert!(door_of(vec![token], None, &roles).is_err());
}

#[tokio::test]
async fn whoever_came_in_is_known_for_as_long_as_the_token_is() {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, "Bearer one".parse().unwrap());
    let principal = door().admit(&headers).await.unwrap();
    let roles = RoleSet::new(vec![Role::unfiltered("a"), Role::unfiltered("b")], None);
    let knows = |tokens: &[(&str, &str)]| {
        let token = |(role, token): &(&str, &str)| TokenConfig {
            role: (*role).to_owned(),
            token: Some((*token).to_owned()),
            sha256: None,
        };
        let tokens = tokens.iter().map(token).collect();
        door_of(tokens, None, &roles).unwrap().knows(&principal)
    };
    assert!(knows(&[("b", "new"), ("a", "one")]));
    assert!(!knows(&[("a", "new")]));
    assert!(!knows(&[("b", "one")]));
}

#[test]
fn a_subject_is_known_for_as_long_as_its_provider_and_role_are() {
    let roles = |names: &[&str]| names.iter().map(|name| Role::unfiltered(name)).collect::<Vec<_>>();
    let before = RoleSet::new(roles(&["a", "b"]), None);
    let jwt = |issuer: &str| JwtConfig { issuer: issuer.to_owned(), audience: None, jwks_url: None, role_claim: None };
    let doors = Doors::new(Arc::new(Nothing));
    let door = |issuer: Option<&str>, roles: &RoleSet| {
        doors.door(&AuthConfig { tokens: Vec::new(), jwt: issuer.map(jwt) }, roles).unwrap()
    };
    let Door::Guarded(Guarded { issued: Some(Issued { provider, .. }), .. }) = door(Some("https://a"), &before) else {
        panic!("it has no provider")
    };
    let caller = Caller { role: before.resolve(Some("b")).unwrap() };
    let principal = Principal { caller, id: [1; 32], issued: Some(provider.id) };
    assert!(door(Some("https://a"), &before).knows(&principal));
    assert!(!door(Some("https://a"), &before.renewed(roles(&["a"]), None)).knows(&principal));
    assert!(!door(Some("https://b"), &before).knows(&principal));
    assert!(!door(None, &before).knows(&principal));
}

#[test]
fn digests_are_read() {
    assert_eq!(hexadecimal(&"0a".repeat(32)), Some([10; 32]));
    for wrong in ["", "0a", &"0g".repeat(32), &"0a".repeat(33), &"é".repeat(32)] {
        assert_eq!(hexadecimal(wrong), None, "{wrong}");
    }
}
