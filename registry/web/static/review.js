// Two small helps for reviews; every page works without them.

// While shortcomings are ticked, what the trust has done about the same is fetched and shown beside them.
for (const place of document.querySelectorAll('[data-beside]')) {
  const form = place.closest('form')
  let asked = null
  form.addEventListener('change', async event => {
    if (event.target.name !== place.dataset.of) return
    asked?.abort()
    const request = asked = new AbortController()
    const ticked = [...form.elements].filter(each => each.name === place.dataset.of && each.checked).map(each => each.value)
    const address = `${place.dataset.beside}?themes=${encodeURIComponent(ticked.join('|'))}`
    const answer = await fetch(address, { signal: request.signal }).catch(() => null)
    if (answer?.ok && !request.signal.aborted) place.innerHTML = await answer.text()
  })
}

// What is typed above a letter stands in its blanks. The boxes have no name and are in no form: nothing leaves the page.
for (const box of document.querySelectorAll('[data-fills]')) {
  function show () {
    for (const blank of document.querySelectorAll(`[data-blank="${box.dataset.fills}"]`)) blank.textContent = box.value
  }
  box.addEventListener('input', show)
  if (box.value) show() // typed before this script was there
}
