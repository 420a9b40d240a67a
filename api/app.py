"""The application: resources, errors, middleware, and what starts and stops with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from ..crypto.select import arithmetic
from ..crypto.srs import ceremony
from . import answers, logs
from .acceptance import Acceptance
from .edge import Edge
from .feed import Feed
from .intake import Intake
from .metrics import Metrics
from .openapi import describe
from .problems import Problem
from .routes import ROUTERS
from .service import Service
from .settings import Settings
from .store.engine import connect
from .store.setup import introduce_log_key, migrate
from .store.signer import load_signer
from .store.store import Store
from .sweeper import Sweeper
from .tokens import load_tokens
from .webhooks import Postman


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application.

    Args:
        settings: by default those of the environment.

    Raises:
        InputError: settings, a key or a database that cannot be used.
    """
    settings = settings or Settings.load()
    logs.configure_unless_done()
    service = make_service(settings)
    app = FastAPI(lifespan=_lifespan, separate_input_output_schemas=False, redirect_slashes=False)
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(Problem, answers.problem)
    app.add_exception_handler(RequestValidationError, answers.parameter_invalid)
    app.add_exception_handler(HTTPException, answers.http_error)
    app.add_exception_handler(SQLAlchemyError, answers.database_error)
    app.add_exception_handler(Exception, answers.internal)
    app.add_middleware(Edge, service=service)
    describe(app, settings)
    return app


def make_service(settings: Settings) -> Service:
    """Everything that an application holds, with the database set up and nothing started."""
    store = open_store(settings)
    srs = ceremony(arithmetic())
    metrics = Metrics()
    acceptance = Acceptance(store, srs, settings.audience, metrics)
    return Service(
        settings=settings,
        store=store,
        srs=srs,
        metrics=metrics,
        intake=Intake(acceptance, metrics, settings.max_waiting),
        feed=Feed(store, settings.max_streams, metrics.streams),
        tokens=load_tokens(settings),
    )


def open_tables(settings: Settings) -> Store:
    """The database of these settings, for what does not touch the log: its key is not asked for.

    Raises:
        InputError: a database that cannot be used.
    """
    store = Store(connect(settings.database), None)
    migrate(store.engine)
    return store


def open_store(settings: Settings) -> Store:
    """The database of these settings, set up.

    Raises:
        InputError: a key or a database that cannot be used.
    """
    store = Store(connect(settings.database), load_signer(settings.log_key, settings.log_origin))
    migrate(store.engine)
    introduce_log_key(store)
    return store


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, Feed]]:
    service: Service = app.state.service
    # Points of the ceremony are decoded when first needed: better now than in a request.
    _ = service.srs.setup
    sweeper, postman = Sweeper(service), Postman(service)
    service.intake.start()
    sweeper.start()
    postman.start()
    try:
        # What `serving.Server` has to close before it waits for connections to end.
        yield {"feed": service.feed}
    finally:
        service.feed.close()
        postman.stop()
        sweeper.stop()
        service.intake.stop()
        service.store.engine.dispose()
