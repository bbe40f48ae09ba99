//! Who may use the Admin API: a token in a request leads to its row, that row to roles, and they to what the request is
//! allowed. What rows of tokens and roles say is read by their declarations.
//!
//! What is known of a token is remembered until a row of either kind is written, on this node or on another one that
//! shares the database.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use entities::schema::access::{self, Digested, Grant, Permission, Token, grant};
use entities::schema::{Entity, access::Access as Rule};
use generators::operations::Key;
use generators::routes::{InWorkspace, Target, segments};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};

use super::Node;
use crate::admin::Refusal;
use crate::settings;
use crate::store::{Client, Failure};

/// What a node announces when tokens or roles have changed.
pub const WORD: &str = "access";
/// The header of Kong's role-based access control.
const HEADER: &str = "kong-admin-token";
/// How many tokens are remembered.
const REMEMBERED: usize = 10_000;

/// Who is known, and whether clients must be.
pub struct Access {
    enforced: bool,
    /// The digest of the token that the settings give.
    own: Option<Digested>,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    /// How often everything was forgotten: what was looked up before that is not remembered after it.
    age: u64,
    by_digest: HashMap<Digested, Arc<Identity>>,
}

/// Whom a token lets in, and what its roles allow.
struct Identity {
    name: Arc<str>,
    /// In seconds since 1970.
    expires_at: Option<i64>,
    permissions: Vec<Permission>,
}

impl Access {
    /// As the settings want it.
    pub fn new(settings: &settings::Access) -> Access {
        let own = settings.token.as_ref().map(|token| access::digested(token.expose()));
        Access { enforced: settings.enforced, own, known: RwLock::default() }
    }

    /// Whether clients must be known.
    pub fn is_enforced(&self) -> bool {
        self.enforced
    }

    /// Forgets what is known of tokens and roles.
    pub fn forget(&self) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known { age: known.age.wrapping_add(1), by_digest: HashMap::new() };
    }

    fn recall(&self, digest: &Digested) -> (Option<Arc<Identity>>, u64) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        (known.by_digest.get(digest).cloned(), known.age)
    }

    fn remember(&self, digest: Digested, identity: &Arc<Identity>, age: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.age == age {
            if known.by_digest.len() >= REMEMBERED {
                known.by_digest.clear();
            }
            known.by_digest.insert(digest, Arc::clone(identity));
        }
    }
}

impl Node {
    /// Lets a request in, as the client that its token names; or refuses it. `None` is a client that nobody knows,
    /// where that is allowed.
    ///
    /// # Errors
    /// 401 without a token that is known, 403 where its roles do not allow the request.
    pub async fn admit(
        &self,
        request: &http::request::Parts,
        workspace: Option<&InWorkspace>,
    ) -> Result<Option<Client>, Refusal> {
        // A browser asks for the methods before it sends a token; the answer tells nothing of any row.
        if !self.access.enforced || request.method == Method::OPTIONS {
            return Ok(None);
        }
        let Some(token) = presented(&request.headers) else {
            let is_open = self.is_open(request.uri.path());
            return if is_open { Ok(None) } else { Err(Refusal::unauthorized()) };
        };
        let identity = self.identity(token).await?.ok_or_else(Refusal::unauthorized)?;
        let ended = |at| at <= self.circumstances().context().now();
        if identity.expires_at.is_some_and(ended) {
            return Err(Refusal::unauthorized());
        }
        let inner = workspace.filter(|workspace| self.store.is_default_workspace(&workspace.name));
        let path = inner.map_or(request.uri.path(), |workspace| workspace.path.as_str());
        let segments = segments(path);
        let name = Arc::clone(&identity.name);
        match grant(&identity.permissions, request.method.as_str(), &segments) {
            Grant::Full => Ok(Some(Client { name, tags: None })),
            Grant::Tagged(tags) => Ok(Some(Client { name, tags: Some(tags) })),
            Grant::Denied => {
                tracing::info!(client = &*name, method = %request.method, "a request was forbidden");
                let verb = match request.method {
                    Method::GET | Method::HEAD => "read",
                    Method::POST => "create",
                    Method::DELETE => "delete",
                    _ => "update",
                };
                Err(Refusal::forbidden(&format!("{verb} this resource")))
            }
        }
    }

    /// Whether a path leads to what anybody may read.
    fn is_open(&self, path: &str) -> bool {
        let found = self.endpoints.find(path).map(|found| found.endpoint.target);
        matches!(found, Some(Target::Node(endpoint)) if endpoint.is_open())
    }

    /// Whom a token lets in. `None`: nobody.
    async fn identity(&self, token: &str) -> Result<Option<Arc<Identity>>, Failure> {
        let digest = access::digested(token);
        let (remembered, age) = self.access.recall(&digest);
        if remembered.is_some() {
            return Ok(remembered);
        }
        let Some(roles) = self.guard(|rule| matches!(rule, Rule::Roles { .. })) else { return Ok(None) };
        let found = if self.access.own.as_ref() == Some(&digest) {
            Some(Token {
                name: "admin_token".to_owned(),
                roles: vec![access::ADMIN.to_owned()],
                expires_at: None,
            })
        } else {
            self.token(&access::hexadecimal(&digest)).await?
        };
        let Some(Token { name, roles: names, expires_at }) = found else { return Ok(None) };
        let mut permissions = Vec::new();
        for name in &names {
            permissions.append(&mut self.role(roles, name).await?);
        }
        let identity = Arc::new(Identity { name: name.into(), expires_at, permissions });
        self.access.remember(digest, &identity, age);
        Ok(Some(identity))
    }

    /// The entity with such a rule.
    fn guard(&self, is_meant: impl Fn(Rule) -> bool) -> Option<(&'static Entity, Rule)> {
        let mut ruled = self.declarations.entities().filter_map(|entity| Some((entity, entity.access?)));
        ruled.find(|(_, rule)| is_meant(*rule))
    }

    /// The token of a digest.
    async fn token(&self, digest: &str) -> Result<Option<Token>, Failure> {
        match self.guard(|rule| matches!(rule, Rule::Tokens { .. })) {
            Some((entity, Rule::Tokens { digest: field, read })) => {
                let key = Key::Unique { field, value: digest.to_owned() };
                Ok(self.store.default_space().row(entity, &key).await?.map(|row| read(&row)))
            }
            _ => Ok(None),
        }
    }

    /// What a role allows.
    async fn role(
        &self,
        (entity, rule): (&'static Entity, Rule),
        name: &str,
    ) -> Result<Vec<Permission>, Failure> {
        let (Rule::Roles { built_in, read }, Some(field)) = (rule, entity.endpoint_key) else {
            return Ok(Vec::new());
        };
        if let Some((_, standing)) = built_in.iter().find(|(own, _)| *own == name) {
            return Ok(standing.iter().copied().map(Permission::standing).collect());
        }
        let key = Key::Unique { field, value: name.to_owned() };
        let row = self.store.default_space().row(entity, &key).await?;
        Ok(row.map(|row| read(&row)).unwrap_or_default())
    }

    /// A token or a role has been written: every node looks again.
    pub async fn access_changed(&self) {
        self.access.forget();
        if let Err(refusal) = self.announce(WORD).await {
            tracing::warn!(status = %refusal.status, "other nodes do not know yet that tokens or roles have changed");
        }
    }
}

/// The token that a request presents.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get(HEADER).and_then(|value| value.to_str().ok());
    own.or_else(|| {
        let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    })
}
