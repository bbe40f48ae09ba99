//! How a plugin reads and writes the headers that carry a trace from one service to the next.

use crate::schema::{Field, STRING, array, record, text};

const FORMATS: &[&str] = &["b3", "b3-single", "jaeger", "ot", "datadog", "aws", "gcp", "instana", "w3c"];

/// Both forms of B3 are read under one name.
const EXTRACTED: &[&str] = &["b3", "jaeger", "ot", "datadog", "aws", "gcp", "instana", "w3c"];

const INJECTED: &[&str] =
    &["preserve", "b3", "b3-single", "jaeger", "ot", "datadog", "aws", "gcp", "instana", "w3c"];

/// `default_format` has no default here; each plugin gives the whole record one.
#[rustfmt::skip]
pub(crate) const PROPAGATION: Field = record(&[
    ("extract",        array(&STRING.one_of(EXTRACTED))
        .doc("Header formats used to extract tracing context from incoming requests. If multiple values are specified, the first one found will be used for extraction. If left empty, Kong will not extract any tracing context information from incoming requests and generate a trace with no parent and a new trace ID.")),
    ("clear",          array(&STRING.text_validator(&text::header_name).pattern(text::HEADER_NAME))
        .doc("Header names to clear after context extraction. This allows to extract the context from a certain header and then remove it from the request, useful when extraction and injection are performed on different header formats and the original header should not be sent to the upstream. If left empty, no headers are cleared.")),
    ("inject",         array(&STRING.one_of(INJECTED))
        .doc("Header formats used to inject tracing context. The value `preserve` will use the same header format as the incoming request. If multiple values are specified, all of them will be used during injection. If left empty, Kong will not inject any tracing context information in outgoing requests.")),
    ("default_format", STRING.required().one_of(FORMATS)
        .doc("The default header format to use when extractors did not match any format in the incoming headers and `inject` is configured with the value: `preserve`. This can happen when no tracing header was found in the request, or the incoming tracing header formats were not included in `extract`.")),
])
.required();
