//! What the API is, as OpenAPI has it written down: made of the table of routes.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::step::Step;
use crate::table::{ANY_NAME, ROUTES, Route};

/// `GET /v1/openapi.json`.
pub(crate) fn open_api(_: &Call<'_>) -> Result<Step, Problem> {
    Ok(Step::Answer(answer::json(StatusCode::OK, &document())))
}

/// The document.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path.replace("*}", "}")).or_insert_with(|| json!({}));
        path[route.method.to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "BusterMQ over HTTP", "version": "1", "description": "NATS for browsers and curl." },
        "security": [{}, { "basic": [] }, { "bearer": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
            "schemas": { "Problem": problem() },
        },
    })
}

fn operation(route: &Route) -> Value {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| {
            let name = name.trim_end_matches('*');
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    let in_query = route.parameters.iter().filter(|(name, _)| *name != ANY_NAME);
    parameters.extend(in_query.map(|(name, meaning)| {
        json!({ "name": name, "in": "query", "description": meaning, "schema": { "type": "string" } })
    }));
    let (status, kind) = route.answer;
    let content = |kind: &str| json!({ kind: {} });
    let well = if kind.is_empty() {
        json!({ "description": route.summary })
    } else {
        json!({ "description": route.summary, "content": content(kind) })
    };
    let badly = json!({
        "description": "What went wrong",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    let mut operation = json!({
        "summary": route.summary,
        "parameters": parameters,
        "responses": { status.to_string(): well, "default": badly },
    });
    if let Some(kind) = route.body {
        operation["requestBody"] = json!({ "content": content(kind) });
    }
    operation
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "subject": { "type": "string" },
            "nats": { "type": "object" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_in_the_document_once() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(operations, ROUTES.len(), "two routes have the same method and path");
        for route in ROUTES {
            let operation = &paths[&route.path.replace("*}", "}")][route.method.to_lowercase()];
            assert_eq!(operation["summary"], route.summary);
            assert_eq!(operation.get("requestBody").is_some(), route.body.is_some());
            let named = operation["parameters"].as_array().unwrap().len();
            let in_query = route.parameters.iter().filter(|(name, _)| *name != ANY_NAME).count();
            assert_eq!(named, route.path.matches('{').count() + in_query);
        }
    }
}
