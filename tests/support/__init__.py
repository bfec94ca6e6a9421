"""What tests share: servers, data, clients, measures."""
