// Reads the OpenAPI document of the node and hands it to Elements. Where the node asks for a token, so does the page,
// and sends it with every request to the node. The token stays in this tab: it is forgotten when the tab is closed.

const HEADER = 'Kong-Admin-Token'
const KEPT = 'admin-token'
const form = document.querySelector('#token')
const notice = document.querySelector('#notice')

// Elements asks the node by `fetch`; what it asks carries the token, too. To another origin it goes never.
const send = window.fetch.bind(window)
window.fetch = (resource, options) => {
  const request = new Request(resource, options)
  const token = sessionStorage.getItem(KEPT)
  if (token && new URL(request.url).origin === location.origin) request.headers.set(HEADER, token)
  return send(request)
}

function show(description) {
  // The token has a field above. Elements would keep one for good, in the browser's local storage.
  delete description.security
  const explorer = document.createElement('elements-api')
  explorer.setAttribute('router', 'hash')
  explorer.setAttribute('hideSchemas', 'true')
  explorer.setAttribute('tryItCredentialsPolicy', 'same-origin')
  explorer.apiDescriptionDocument = JSON.stringify(description)
  notice.replaceWith(explorer)
}

async function open() {
  const answer = await fetch('/openapi.json')
  const body = await answer.json()
  form.hidden = answer.status !== 401
  if (answer.ok) show(body)
  else notice.textContent = body.message
}

function attempt() {
  open().catch((error) => {
    notice.textContent = `The description of the API cannot be read: ${error.message}`
  })
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem(KEPT, document.querySelector('#value').value)
  attempt()
})
attempt()
