// Swagger UI over our own schema. Nothing it asks for leaves this site.
const at = document.getElementById("swagger-ui")
window.SwaggerUIBundle({
  domNode: at,
  url: at.dataset.url,
  deepLinking: true,
  validatorUrl: null,
  persistAuthorization: false,
})
