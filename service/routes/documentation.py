"""GET /docs: the documentation of the API, from files that come with the service: no browser fetches any elsewhere."""

from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

STATIC_PATH = "/static-offline-docs"
_REDIRECT_PATH = "/docs/oauth2-redirect"

router = APIRouter(include_in_schema=False)


def static_files() -> StaticFiles:
    """Return the scripts and styles of the page, to be mounted at STATIC_PATH."""
    return StaticFiles(directory=str(files("fastapi_offline") / "static"))


@router.get("/")
async def get_root() -> RedirectResponse:
    """Send whoever comes to the documentation."""
    return RedirectResponse("docs")


@router.get("/docs")
async def get_docs(request: Request) -> HTMLResponse:
    """Return the page that shows the OpenAPI document."""
    root = request.scope.get("root_path")
    return get_swagger_ui_html(
        openapi_url=f"{root}{request.app.openapi_url}",
        title=f"{request.app.title} - Swagger UI",
        oauth2_redirect_url=_REDIRECT_PATH,
        swagger_js_url=f"{root}{STATIC_PATH}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{STATIC_PATH}/swagger-ui.css",
        swagger_favicon_url=f"{root}{STATIC_PATH}/favicon.png",
        swagger_ui_parameters=request.app.swagger_ui_parameters,
    )


@router.get(_REDIRECT_PATH)
async def get_docs_redirect() -> HTMLResponse:
    """Return the page that Swagger's own login comes back to."""
    return get_swagger_ui_oauth2_redirect_html()
