"""The site map with the debug toolbar's addresses, as development has it: under test the toolbar is not there."""

from django.urls import include, path

from web import urls

handler400, handler500 = urls.handler400, urls.handler500
urlpatterns = [*urls.urlpatterns, path("__debug__/", include("debug_toolbar.urls"))]
