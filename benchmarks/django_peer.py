"""A peer: the commitments by Django REST framework and Django's own feeds, as their documents deploy them."""

import os
from typing import Any

from django.conf import settings

settings.configure(
    SECRET_KEY="benchmark",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["rest_framework"],
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "HOST": os.environ.get("PEER_HOST", ""),
            "USER": os.environ.get("PEER_USER", ""),
            "CONN_MAX_AGE": None,
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
    },
)

import django  # noqa: E402

django.setup()

from django.contrib.syndication.views import Feed  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.feedgenerator import Atom1Feed  # noqa: E402
from rest_framework import generics, pagination, serializers  # noqa: E402


class Commitment(models.Model):
    id = models.TextField(primary_key=True)
    plan = models.TextField()
    number = models.TextField()
    title = models.TextField()
    objective = models.TextField(null=True)
    leads_raw = models.TextField(null=True)
    starts = models.TextField(null=True)
    ends = models.TextField(null=True)
    status = models.TextField(null=True)
    timeliness = models.TextField(null=True)
    milestones_total = models.IntegerField(null=True)
    milestones_completed = models.IntegerField(null=True)
    latest_report = models.TextField(null=True)
    version = models.IntegerField()
    release = models.IntegerField()
    url = models.TextField()
    lead_organisations = models.JSONField()
    supporting_organisations = models.JSONField()
    themes = models.JSONField()
    updated = models.DateTimeField()

    class Meta:
        app_label = "peer"
        managed = False
        db_table = "peer_commitment"


class Told(serializers.ModelSerializer):
    class Meta:
        model = Commitment
        fields = "__all__"


class Pages(pagination.CursorPagination):
    page_size = 100
    ordering = "id"


class Listed(generics.ListAPIView):
    queryset = Commitment.objects.all()
    serializer_class = Told
    pagination_class = Pages


class One(generics.RetrieveAPIView):
    queryset = Commitment.objects.all()
    serializer_class = Told


class Newest(Feed):
    feed_type = Atom1Feed
    title, link = "Commitments", "/"

    def items(self) -> Any:
        return Commitment.objects.order_by("-updated", "id")[:50]

    def item_title(self, item: Commitment) -> str:
        return item.title

    def item_description(self, item: Commitment) -> str:
        return item.objective or ""

    def item_link(self, item: Commitment) -> str:
        return item.url

    def item_updateddate(self, item: Commitment) -> Any:
        return item.updated


urlpatterns = [
    path("commitments", Listed.as_view()),
    path("commitments/<str:pk>", One.as_view()),
    path("atom", Newest()),
]
app = get_wsgi_application()
