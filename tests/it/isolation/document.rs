//! What the router says of itself: its document, and the paths that it routes by hand.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The OpenAPI document, as the host serves it.
pub struct Document(Value);

impl Document {
    /// That of the host at this address.
    pub async fn at(host: &str) -> Self {
        let response = crate::app::http().get(format!("{host}/openapi.json")).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/json".parse().unwrap())
        );
        Self(serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    /// Every route as `METHOD path`, sorted.
    pub fn routes(&self) -> Vec<String> {
        let mut routes = Vec::new();
        for (path, methods) in self.0["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                routes.push(format!("{} {path}", method.to_uppercase()));
            }
        }
        routes.sort_unstable();
        routes
    }

    /// The members of a route's JSON body, and its parameters in the query, that are called like ids.
    pub fn members_that_look_like_references(&self, route: &str) -> BTreeSet<String> {
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &self.0["paths"][path][method.to_lowercase()];
        let mut found = BTreeSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            if parameter["in"] == "query" && looks_like_a_reference(name) {
                found.insert(format!("?{name}"));
            }
        }
        self.collect(&operation["requestBody"]["content"]["application/json"]["schema"], "", &mut found);
        found
    }

    fn collect(&self, schema: &Value, at: &str, found: &mut BTreeSet<String>) {
        if let Some(reference) = schema["$ref"].as_str() {
            let named = self.0.pointer(reference.trim_start_matches('#')).unwrap();
            return self.collect(named, at, found);
        }
        for alternative in ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
            self.collect(alternative, at, found);
        }
        self.collect_items(schema, at, found);
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            if looks_like_a_reference(name) {
                found.insert(at.clone());
            }
            self.collect(member, &at, found);
        }
    }

    fn collect_items(&self, schema: &Value, at: &str, found: &mut BTreeSet<String>) {
        if schema["items"].is_object() {
            self.collect(&schema["items"], at, found);
        }
    }
}

/// Whether a member is called like an id.
pub fn looks_like_a_reference(name: &str) -> bool {
    let ends = ["Id", "Ids", "_id", "_ids"];
    name == "id" || name == "ids" || ends.iter().any(|end| name.ends_with(end))
}

/// The paths in `.route("…")` anywhere in the API's sources: those that the document does not know.
pub fn paths_routed_by_hand() -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders: Vec<PathBuf> = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src/api")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for registering in [".route(", ".route_service(", ".nest(", ".nest_service(", ".fallback_service("] {
                let calls = code.split(registering).skip(1);
                paths.extend(calls.map(|call| call.split('"').nth(1).unwrap_or(registering).to_owned()));
            }
        }
    }
    paths.sort_unstable();
    paths
}
