//! A request as WSGI (PEP 3333) and ASGI give it. Nothing is decided here.

use std::ops::Range;

use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyDict, PyMapping, PyString, PyTuple};

use requires_auth::client_certificate::{CertificateHeader, ClientCertificate, HeaderFormat};
use requires_auth::{Request, RequiresAuth};

use crate::headers::{HeaderList, Text};
use crate::request_path::ToldPath;

/// The headers that a guard reads. The others stay where they are, which saves looking at them.
const AUTHORIZATION: &str = "authorization";
const DPOP: &str = "dpop";
const ORIGIN: &str = "origin";
const PREFLIGHT_METHOD: &str = "access-control-request-method";
const REQUEST_ID: &str = "x-request-id";

/// What every guard reads; of a preflight also what may make another method of it.
const ALWAYS: [&str; 5] = [AUTHORIZATION, DPOP, ORIGIN, PREFLIGHT_METHOD, REQUEST_ID];

/// So many bytes have room without a second allocation.
const USUAL_URL: usize = 64;

/// What stands before the headers of a request.
pub(crate) struct RequestLine {
    pub(crate) method: PyBackedStr,
    /// Path and query, percent-encoded.
    pub(crate) url: String,
    /// Whether the path is as the client wrote it. Else it was encoded anew, and an escaped slash has become a plain one.
    pub(crate) is_raw: bool,
    pub(crate) is_websocket: bool,
}

/// Which path a URL has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    /// As the framework's routes see it.
    Decoded,
    /// As the client wrote it, where the server tells.
    Raw,
}

impl RequestLine {
    /// Of a WSGI environment, or of `META` of a Django request. The path is that which routes are found by.
    pub(crate) fn of_wsgi(environ: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::of_environ(&dictionary(environ)?, Path::Decoded)
    }

    /// Of the scope of an ASGI connection. A WebSocket begins as a GET. The path is that which routes are found by.
    pub(crate) fn of_asgi(scope: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::of_scope(&dictionary(scope)?, Path::Decoded)
    }

    fn of_environ(environ: &Bound<'_, PyDict>, path: Path) -> PyResult<Self> {
        let py = environ.py();
        // What came over the wire was decoded as Latin-1, whatever it was.
        let told =
            |key: &Bound<'_, PyString>| environ.get_item(key)?.map(|value| Text::new(&value)).transpose();
        let [mount, below] = [told(intern!(py, "SCRIPT_NAME"))?, told(intern!(py, "PATH_INFO"))?];
        let raw = match path {
            Path::Decoded => None,
            // The first is of gunicorn and werkzeug, the second of uWSGI, waitress, mod_wsgi and cheroot.
            Path::Raw => told(intern!(py, "RAW_URI"))?
                .map_or_else(|| told(intern!(py, "REQUEST_URI")), |raw| Ok(Some(raw)))?,
        };
        let [raw, mount, below] = [&raw, &mount, &below].map(|text| text.as_ref().map(Text::bytes));
        let told = ToldPath::of_wsgi(raw, mount.unwrap_or_default(), below.unwrap_or_default());
        let mut url = String::with_capacity(USUAL_URL);
        let is_raw = told.push_to(&mut url);
        if let Some(query) = environ.get_item(intern!(py, "QUERY_STRING"))? {
            push_query(&mut url, &query.cast::<PyString>()?.to_string_lossy());
        }
        let method = text(environ, intern!(py, "REQUEST_METHOD"))?;
        Ok(Self { method, url, is_raw, is_websocket: false })
    }

    fn of_scope(scope: &Bound<'_, PyDict>, path: Path) -> PyResult<Self> {
        let py = scope.py();
        // Only the scope of a WebSocket has none.
        let method = scope.get_item(intern!(py, "method"))?;
        let is_websocket = method.is_none();
        let method = match method {
            Some(method) => PyBackedStr::try_from(method.cast_into::<PyString>()?)?,
            None => PyBackedStr::try_from(intern!(py, "GET").clone())?,
        };
        let whole = text(scope, intern!(py, "path"))?;
        let (raw, mount) = match path {
            Path::Decoded => (None, None),
            Path::Raw => {
                (scope.get_item(intern!(py, "raw_path"))?, scope.get_item(intern!(py, "root_path"))?)
            }
        };
        let raw = raw.as_ref().and_then(|raw| raw.cast::<PyBytes>().ok()).map(PyBytesMethods::as_bytes);
        let mount = mount.and_then(|mount| mount.extract::<PyBackedStr>().ok());
        let mount = mount.as_ref().map_or(&b""[..], |mount| mount.as_bytes());
        let mut url = String::with_capacity(USUAL_URL);
        let is_raw = ToldPath::of_asgi(raw, mount, whole.as_bytes()).push_to(&mut url);
        if let Some(query) = scope.get_item(intern!(py, "query_string"))? {
            let query: String =
                query.cast::<PyBytes>()?.as_bytes().iter().map(|&byte| char::from(byte)).collect();
            push_query(&mut url, &query);
        }
        Ok(Self { method, url, is_raw, is_websocket })
    }
}

/// What a guard reads of a request beside what all of them read.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'w> {
    /// Headers, in lower case.
    pub(crate) headers: &'w [Box<str>],
    /// The one of these that tells the certificate of the client. A comma in it is part of the value.
    certificate_header: Option<&'w str>,
    /// Whether the certificate of the connection counts.
    pub(crate) certificate: bool,
}

impl<'w> Wanted<'w> {
    pub(crate) fn by(auth: &'w RequiresAuth) -> Self {
        let certificate_header = auth.certificate_header().map(CertificateHeader::name);
        // Where a proxy tells the certificate, the connection is that of the proxy.
        let certificate = auth.takes_client_certificates() && certificate_header.is_none();
        Self { headers: auth.token_headers(), certificate_header, certificate }
    }
}

/// Method, URL and headers of a request, and the certificate of its connection, where the server tells it.
pub(crate) struct FrameworkRequest {
    pub(crate) line: RequestLine,
    pub(crate) headers: HeaderList,
    pub(crate) certificate: Option<ClientCertificate>,
}

impl FrameworkRequest {
    /// Of a WSGI environment, or of `META` of a Django request.
    pub(crate) fn of_wsgi(environ: &Bound<'_, PyAny>, wanted: Wanted<'_>) -> PyResult<Self> {
        let py = environ.py();
        let environ = &dictionary(environ)?;
        let mut headers = HeaderList::with_capacity(2);
        if let Some(value) = environ.get_item(intern!(py, "HTTP_AUTHORIZATION"))? {
            for part in parts_at_commas(Text::new(&value)?) {
                headers.push(AUTHORIZATION, part);
            }
        }
        if let Some(value) = environ.get_item(intern!(py, "HTTP_DPOP"))? {
            for line in lines_of(DPOP, Text::new(&value)?) {
                headers.push(DPOP, line);
            }
        }
        for (key, name) in [
            (intern!(py, "HTTP_ORIGIN"), ORIGIN),
            (intern!(py, "HTTP_ACCESS_CONTROL_REQUEST_METHOD"), PREFLIGHT_METHOD),
            (intern!(py, "HTTP_X_REQUEST_ID"), REQUEST_ID),
        ] {
            if let Some(value) = environ.get_item(key)? {
                headers.push(name, Text::new(&value)?);
            }
        }
        if headers.has(PREFLIGHT_METHOD) {
            for name in Request::METHOD_OVERRIDES {
                if let Some(value) = environ.get_item(key_of(name))? {
                    headers.push(name, Text::new(&value)?);
                }
            }
        }
        for name in wanted.headers.iter().filter(|name| !ALWAYS.contains(&&***name)) {
            if let Some(value) = environ.get_item(key_of(name))? {
                let value = Text::new(&value)?;
                let is_whole = wanted.certificate_header == Some(name);
                for part in if is_whole { vec![value] } else { lines_of(name, value) } {
                    headers.push_named(name.as_bytes(), part);
                }
            }
        }
        let line = RequestLine::of_environ(environ, Path::Raw)?;
        Ok(Self { line, headers, certificate: None })
    }

    /// Of the scope of an ASGI connection. A WebSocket begins as a GET.
    ///
    /// `reads` says of a header whether it is read beside those that all guards read; `tells_certificate`, whether that of the
    /// connection counts.
    pub(crate) fn of_asgi(
        scope: &Bound<'_, PyAny>,
        reads: impl Fn(&[u8]) -> bool,
        tells_certificate: bool,
    ) -> PyResult<Self> {
        let py = scope.py();
        let scope = &dictionary(scope)?;
        let mut headers = HeaderList::with_capacity(2);
        for pair in required(scope, intern!(py, "headers"))?.try_iter()? {
            let pair = pair?;
            let (name, value) = match pair.cast::<PyTuple>() {
                Ok(pair) => (pair.get_item(0)?, pair.get_item(1)?),
                Err(_) => (pair.get_item(0)?, pair.get_item(1)?),
            };
            let name = name.cast::<PyBytes>()?.as_bytes();
            if let Some(name) = read_by_guards(name) {
                headers.push(name, Text::new(&value)?);
            } else if reads(name) {
                headers.push_named(name, Text::new(&value)?);
            }
        }
        let line = RequestLine::of_scope(scope, Path::Raw)?;
        let certificate = if tells_certificate { certificate_of(scope)? } else { None };
        Ok(Self { line, headers, certificate })
    }
}

/// The certificate of the client by the TLS extension of ASGI: the first of a chain of texts in PEM. There is none without the
/// extension, nor where it is not one certificate.
fn certificate_of(scope: &Bound<'_, PyDict>) -> PyResult<Option<ClientCertificate>> {
    let py = scope.py();
    let extensions = scope.get_item(intern!(py, "extensions"))?;
    let tls = extensions.and_then(|extensions| member(&extensions, "tls"));
    let chain = tls.and_then(|tls| member(&tls, "client_cert_chain"));
    let Some(chain) = chain.filter(|chain| !chain.is_none()) else { return Ok(None) };
    let Some(first) = chain.try_iter()?.next().transpose()? else { return Ok(None) };
    let Ok(pem) = first.cast::<PyString>() else { return Ok(None) };
    // A text in PEM has no escapes, and is what it would be without them.
    Ok(HeaderFormat::EscapedPem.read(pem.to_string_lossy().trim().as_bytes()).ok().flatten())
}

fn member<'py>(of: &Bound<'py, PyAny>, key: &str) -> Option<Bound<'py, PyAny>> {
    of.cast::<PyDict>().ok()?.get_item(key).ok()?
}

/// Whether one of these headers has this name.
pub(crate) fn is_among(names: &[impl AsRef<str>], name: &[u8]) -> bool {
    names.iter().any(|own| own.as_ref().as_bytes().eq_ignore_ascii_case(name))
}

/// The mapping itself if it is a dict, as servers make it; else a copy.
fn dictionary<'py>(mapping: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    if let Ok(dictionary) = mapping.cast::<PyDict>() {
        return Ok(dictionary.clone());
    }
    let copy = PyDict::new(mapping.py());
    copy.update(mapping.cast::<PyMapping>()?)?;
    Ok(copy)
}

fn required<'py>(dictionary: &Bound<'py, PyDict>, key: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    dictionary.get_item(key)?.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
}

fn text(dictionary: &Bound<'_, PyDict>, key: &Bound<'_, PyString>) -> PyResult<PyBackedStr> {
    let value = required(dictionary, key)?;
    let value =
        value.cast_into::<PyString>().map_err(|_| PyTypeError::new_err(format!("{key} is no str")))?;
    value.try_into()
}

/// The key of a header in a WSGI environment.
fn key_of(name: &str) -> String {
    format!("HTTP_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// The name of a header as guards know it; `None` for one that they do not read.
fn read_by_guards(name: &[u8]) -> Option<&'static str> {
    ALWAYS
        .into_iter()
        .chain(Request::METHOD_OVERRIDES)
        .find(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

fn push_query(url: &mut String, query: &str) {
    if !query.is_empty() {
        url.push('?');
        url.push_str(query);
    }
}

/// The header lines behind one value: servers join repeated lines with a comma, so `Bearer a, Bearer b` was two.
///
/// A comma that no other scheme follows is part of the value.
fn parts_at_commas(value: Text) -> Vec<Text> {
    let bytes = value.bytes();
    if !bytes.contains(&b',') {
        return vec![value];
    }
    let mut parts = Vec::new();
    let mut start = 0;
    for comma in (0..bytes.len()).filter(|&place| bytes[place] == b',') {
        let after = &bytes[comma + 1..];
        let blank = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if begins_credential(&after[blank..]) {
            parts.push(start..comma);
            start = comma + 1 + blank;
        }
    }
    parts.push(start..bytes.len());
    parts.into_iter().map(|part: Range<usize>| Text::from(bytes[part].to_vec())).collect()
}

/// The lines of another header that may hold a token, or a proof. A comma is in neither, so what a server has joined with one was
/// more than one line; a list of subprotocols, and cookies, are read as such.
fn lines_of(name: &str, value: Text) -> Vec<Text> {
    if matches!(name, "cookie" | "sec-websocket-protocol") || !value.bytes().contains(&b',') {
        return vec![value];
    }
    value.bytes().split(|&byte| byte == b',').map(|part| Text::from(part.to_vec())).collect()
}

/// Whether this is a scheme (a token, RFC 9110 §5.6.2) and a space.
fn begins_credential(bytes: &[u8]) -> bool {
    let scheme = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
        .count();
    scheme > 0 && bytes.get(scheme) == Some(&b' ')
}
