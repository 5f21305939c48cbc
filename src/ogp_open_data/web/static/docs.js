// An empty field of a form is a parameter that was not given.
addEventListener("submit", (event) => {
  for (const field of event.target.querySelectorAll("input")) field.disabled = field.value === "";
  setTimeout(() => { for (const field of event.target.querySelectorAll("input")) field.disabled = false; });
});
