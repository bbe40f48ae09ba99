//! The endpoint table: every path that the declarations imply, and the way from a path to its endpoint.
//!
//! An entity gives `/routes` and `/routes/{routes}`; each of its references gives, for a route's service,
//! `/routes/{routes}/service`, `/services/{services}/routes` and `/services/{services}/routes/{routes}`. Endpoints
//! that are not entities' are handed in by the server. Nothing here reads a body or a row.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use entities::schema::bytes;
use entities::schema::{Declarations, Entity};
use percent_encoding::percent_decode_str;

/// Where in the world of entities a path leads.
#[derive(Clone, Copy)]
pub enum Place {
    /// `/services`
    Collection(&'static Entity),
    /// `/services/{services}`
    Item(&'static Entity),
    /// `/services/{services}/routes`: the parent, the child, and the child's field.
    Children { parent: &'static Entity, child: &'static Entity, field: &'static str },
    /// `/upstreams/{upstreams}/targets/all`: children in the order of ids.
    AllChildren { parent: &'static Entity, child: &'static Entity, field: &'static str },
    /// `/services/{services}/routes/{routes}`
    Child { parent: &'static Entity, child: &'static Entity, field: &'static str },
    /// `/routes/{routes}/service`
    Parent { child: &'static Entity, parent: &'static Entity, field: &'static str },
}

/// What a path leads to. `N` is the server's own kind of endpoint.
#[derive(Clone, Copy)]
pub enum Target<N> {
    /// Rows of entities.
    Entity(Place),
    /// A path of an entity that is served below its parent only: known, but never found.
    Hidden,
    /// An endpoint of the node.
    Node(N),
}

/// An endpoint: its path, what it leads to, and the methods it knows besides HEAD and OPTIONS.
#[derive(Clone)]
pub struct Endpoint<N> {
    /// Such as `/services/{services}/routes`.
    pub path: String,
    pub target: Target<N>,
    pub methods: &'static [&'static str],
}

const COLLECTION: &[&str] = &["GET", "POST"];
const ITEM: &[&str] = &["DELETE", "GET", "PATCH", "PUT"];
const READ: &[&str] = &["GET"];

impl<N> Endpoint<N> {
    /// An endpoint of the node; `methods` in alphabetical order.
    pub fn node(path: &str, methods: &'static [&'static str], node: N) -> Endpoint<N> {
        Endpoint { path: path.to_owned(), target: Target::Node(node), methods }
    }

    /// Whether the endpoint answers to a method.
    pub fn knows(&self, method: &str) -> bool {
        self.methods.contains(&method)
            || method == "OPTIONS"
            || method == "HEAD" && self.methods.contains(&"GET")
    }

    /// The value of `Allow`: `GET, HEAD, OPTIONS, POST`.
    pub fn allow(&self) -> String {
        let mut methods = self.methods.to_vec();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.sort_unstable();
        methods.join(", ")
    }
}

/// The endpoints that an entity's declaration implies.
pub fn of_entity<N>(declarations: &Declarations, entity: &'static Entity) -> Vec<Endpoint<N>> {
    if !entity.generate_admin_api {
        return Vec::new();
    }
    let own = format!("/{}", entity.collection());
    let item = format!("{own}/{{{}}}", entity.name);
    let shown = |place| if entity.nested_only { Target::Hidden } else { Target::Entity(place) };
    let mut endpoints = vec![
        Endpoint { path: own, target: shown(Place::Collection(entity)), methods: COLLECTION },
        Endpoint { path: item.clone(), target: shown(Place::Item(entity)), methods: ITEM },
    ];
    for (field, declared, parent) in entity.foreign_keys() {
        let (parent, child) = (declarations.resolve(parent), entity);
        if !parent.generate_admin_api {
            continue;
        }
        let above = format!("/{}/{{{}}}/{}", parent.collection(), parent.name, child.nested_collection());
        let target = match declared.without_endpoint {
            true => Target::Hidden,
            false => shown(Place::Parent { child, parent, field }),
        };
        endpoints.push(Endpoint { path: format!("{item}/{field}"), target, methods: ITEM });
        let target = Target::Entity(Place::Child { parent, child, field });
        endpoints.push(Endpoint { path: format!("{above}/{{{}}}", child.name), target, methods: ITEM });
        if child.newest_first {
            let target = Target::Entity(Place::AllChildren { parent, child, field });
            endpoints.push(Endpoint { path: format!("{above}/all"), target, methods: READ });
        }
        let target = Target::Entity(Place::Children { parent, child, field });
        endpoints.push(Endpoint { path: above, target, methods: COLLECTION });
    }
    endpoints
}

/// The endpoint table.
pub struct Endpoints<N> {
    list: Vec<Endpoint<N>>,
    root: Node,
}

/// A segment's place in the tree of paths.
#[derive(Default)]
struct Node {
    literals: HashMap<String, Node>,
    parameter: Option<Box<Node>>,
    endpoint: Option<usize>,
}

/// What a path led to: the endpoint, and the decoded values of its parameters.
pub struct Found<'a, N> {
    /// The place of the endpoint in the table.
    pub number: usize,
    pub endpoint: &'a Endpoint<N>,
    pub parameters: Vec<String>,
}

/// A path that begins with a workspace.
#[derive(Debug, PartialEq)]
pub struct InWorkspace {
    /// The name or the id of the workspace, decoded.
    pub name: String,
    /// The workspace as it is written in the path: `/blue`.
    pub prefix: String,
    /// The path within the workspace: `/services`.
    pub path: String,
}

impl<N: Copy> Endpoints<N> {
    /// The endpoints of every declared entity and of the node; where both claim a path, the node's stands.
    pub fn new(declarations: &Declarations, node: Vec<Endpoint<N>>) -> Endpoints<N> {
        let mut table: BTreeMap<String, Endpoint<N>> = BTreeMap::new();
        let of_entities = declarations.entities().flat_map(|entity| of_entity(declarations, entity));
        for endpoint in of_entities.chain(node) {
            // A slash sorts before any letter, so that a path stands right before those below it.
            table.insert(endpoint.path.replace('/', "\0"), endpoint);
        }
        let list: Vec<_> = table.into_values().collect();
        let mut root = Node::default();
        for (i, endpoint) in list.iter().enumerate() {
            let mut node = &mut root;
            for segment in endpoint.path.split('/').skip(1).filter(|segment| !segment.is_empty()) {
                node = match segment.starts_with('{') {
                    true => node.parameter.get_or_insert_default(),
                    false => node.literals.entry(segment.to_owned()).or_default(),
                };
            }
            node.endpoint = Some(i);
        }
        Endpoints { list, root }
    }

    /// Every endpoint, in the order of `GET /endpoints`.
    pub fn iter(&self) -> impl Iterator<Item = &Endpoint<N>> {
        self.list.iter()
    }

    /// The workspace that a raw path begins with: `/blue/services` is `/services` of `blue`. A path that begins as one
    /// of an endpoint does names none. What clients ask for as the root of a workspace, `/blue` or `/blue/kong`, is `/`.
    pub fn workspace(&self, path: &str) -> Option<InWorkspace> {
        let inner = path.strip_prefix('/')?;
        let (first, _) = inner.split_once('/').unwrap_or((inner, ""));
        if first.is_empty() || self.begins_with(first) {
            return None;
        }
        let (prefix, rest) = path.split_at_checked(first.len() + 1)?;
        let path = if matches!(rest, "" | "/kong" | "/kong/") { "/" } else { rest };
        Some(InWorkspace { name: decode(first), prefix: prefix.to_owned(), path: path.to_owned() })
    }

    /// Whether paths of endpoints begin with a segment, which then cannot be the name of a workspace.
    pub fn begins_with(&self, segment: &str) -> bool {
        self.root.literals.contains_key(segment)
    }

    /// The endpoint of a raw path. One slash at the end is fine; a path is not normalised in any other way.
    pub fn find(&self, path: &str) -> Option<Found<'_, N>> {
        let path = path.strip_prefix('/')?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut segments: Vec<&str> = Vec::with_capacity(6);
        if !path.is_empty() {
            segments.extend(path.split('/'));
        }
        let mut taken = Vec::with_capacity(3);
        let number = descend(&self.root, &segments, &mut taken)?;
        let endpoint = self.list.get(number)?;
        Some(Found { number, endpoint, parameters: taken.into_iter().map(decode).collect() })
    }
}

/// The segments of a raw path, decoded.
pub fn segments(path: &str) -> Vec<Cow<'_, str>> {
    let decoded =
        |segment| if is_plain(segment) { Cow::Borrowed(segment) } else { Cow::Owned(decode(segment)) };
    path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect()
}

/// Whether a segment is what it stands for.
fn is_plain(segment: &str) -> bool {
    !segment.contains(['%', '+'])
}

/// The endpoint below a node: a literal segment goes before a parameter.
fn descend<'a>(node: &Node, segments: &[&'a str], taken: &mut Vec<&'a str>) -> Option<usize> {
    let Some((first, rest)) = segments.split_first() else { return node.endpoint };
    if let Some(endpoint) = node.literals.get(*first).and_then(|node| descend(node, rest, taken)) {
        return Some(endpoint);
    }
    let parameter = node.parameter.as_deref().filter(|_| !first.is_empty())?;
    taken.push(first);
    let found = descend(parameter, rest, taken);
    if found.is_none() {
        taken.pop();
    }
    found
}

/// A segment's text: `+` is a space, as in Kong, and `%2F` a slash that does not divide.
fn decode(segment: &str) -> String {
    if is_plain(segment) {
        return segment.to_owned();
    }
    bytes::marked(percent_decode_str(&segment.replace('+', " ")).collect())
}
