"""The URLs of the site with those of the debug toolbar, as in development. Tests run without the toolbar."""

from django.urls import include, path

from web import urls

handler400, handler500 = urls.handler400, urls.handler500
urlpatterns = [*urls.urlpatterns, path("__debug__/", include("debug_toolbar.urls"))]
