"""What Alembic runs: the migrations, on the connection that `store.setup` gives it."""

from alembic import context

from zkcollateral.api.store.tables import Base


def run() -> None:
    """Run the migrations, in the transaction of whoever asked for them."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


# Alembic executes this file under a name of its own; an import alone does nothing.
if __name__ != "zkcollateral.api.store.migrations.env":
    run()
